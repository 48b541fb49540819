"""The words that the learned router counts: data. Groups of form, then topics.

They are guesses at what tells prompts apart; the training gives each group its weight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

POLITE = re.compile(
    r"\b(?:please|pls|plz|kindly|thank you(?: (?:so|very) much)?|thanks(?: a lot| in advance)?|thx"
    r"|could you|can you|would you(?: mind)?|i would like you to|i'd like you to|hello"
    r"|hi there)\b[,!.]*",
    re.IGNORECASE,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEXICON: Mapping[str, frozenset[str]] = {
    "what": _words("what what's"),
    "which": _words("which"),
    "who": _words("who whom whose"),
    "when": _words("when"),
    "where": _words("where"),
    "why": _words("why because reason"),
    "how": _words("how"),
    "if": _words("if suppose assume assuming given let when unless"),
    "not": _words("not except least incorrect false never no cannot isn't doesn't neither nor"),
    "compute": _words(
        "find calculate compute determine evaluate solve simplify estimate express convert"
    ),
    "prove": _words("prove show proof derive deduce demonstrate justify verify"),
    "write": _words("write create compose generate draft make design develop build"),
    "list": _words("list name give enumerate provide suggest recommend ideas"),
    "explain": _words("explain describe discuss compare contrast analyze analyse interpret define"),
    "rework": _words(
        "translate rewrite summarize summarise paraphrase rephrase edit correct classify extract"
        " proofread shorten convert identify"
    ),
    "common": _words(
        "the a an of to in and is are was were it that this for on with as by at from or be has"
        " have had will his her their its he she they"
    ),
    "me": _words("i me my mine i'm i've we our us"),
    "you": _words("you your yours you're"),
    "best": _words("best most likely main primary primarily mainly best-known better"),
    "statement": _words("following statement statements true correct option options answer"),
    "quantity": _words(
        "number total sum average mean rate ratio percent percentage probability value amount area"
        " volume length distance speed times twice half each per every remaining more fewer less"
    ),
    "logic": _words(
        "therefore implies valid argument premise conclusion fallacy contradiction iff clue clues"
        " exactly only either both must same different left right next"
    ),
    "everyday": _words(
        "house home car dog cat food eat water door room school book play person people child"
        " man woman friend kitchen store street game money work day night sun tree animal"
    ),
    "story": _words("story poem essay letter email song blog article character speech recipe"),
    "python": _words(
        "def return function list string python array tuple dictionary integer lists strings"
        " elif else import class print lambda none true false append sort regex len range"
    ),
}

TOPICS: Mapping[str, frozenset[str]] = {
    "algebra": _words(
        "equation equations polynomial roots real integer integers positive prime divisor"
        " divisible function functions matrix vector complex sequence arithmetic geometric modulo"
        " remainder digits factor factors coefficient quadratic inequality sqrt frac"
    ),
    "geometry": _words(
        "triangle circle square rectangle angle angles radius diameter perpendicular parallel"
        " polygon sphere plane point points line segment cube area degrees diagonal"
    ),
    "chance": _words(
        "probability random dice die coin coins cards ball balls selected chosen ways arrange"
        " permutations combinations sample deviation distribution variance hypothesis"
    ),
    "calculus": _words(
        "integral derivative limit differential converges series continuous differentiable"
        " gradient function laplace fourier int lim"
    ),
    "physics": _words(
        "velocity acceleration force mass energy momentum pressure temperature heat current"
        " voltage resistance magnetic electric field wave wavelength frequency light lens photon"
        " electron charge capacitor gravity friction speed radiation nuclear particle circuit"
    ),
    "engineering": _words(
        "steel beam shaft flow pipe turbine compressor steam engine motor generator load stress"
        " torque pump tank air fluid viscosity conductivity inlet transformer antenna amplifier"
    ),
    "chemistry": _words(
        "reaction acid base solution molar mole moles ion ions molecule molecules atom atoms"
        " oxidation equilibrium enthalpy entropy gas compound bond electrons solubility buffer"
        " hydrogen oxygen carbon sodium ph titration catalyst polymer"
    ),
    "biology": _words(
        "cell cells dna rna gene genes protein proteins species evolution enzyme membrane organism"
        " organisms plant plants population selection chromosome allele mutation bacteria"
        " photosynthesis mitosis meiosis ecosystem"
    ),
    "medicine": _words(
        "patient patients disease symptoms treatment blood pain clinical diagnosis year-old drug"
        " therapy infection virus cancer muscle nerve heart lung liver kidney brain vaccine woman"
        " history fever physician surgery medication syndrome artery"
    ),
    "psychology": _words(
        "behavior therapist psychologist client clients anxiety cognitive personality motivation"
        " memory learning emotional freud reinforcement conditioning attitude perception stress"
        " developmental psychology test validity"
    ),
    "economics": _words(
        "price prices demand supply market cost costs income tax inflation monetary fiscal bank"
        " interest investment money unemployment gdp profit goods consumer monopoly firm trade"
        " curve aggregate dollars stock bond budget"
    ),
    "business": _words(
        "company customer customers product products marketing management organization employees"
        " strategy brand business sales manager consumer advertising corporate responsibility"
    ),
    "law": _words(
        "court law legal defendant plaintiff contract statute constitution rights property crime"
        " criminal liability negligence jurisdiction treaty judge jury evidence amendment state"
    ),
    "politics": _words(
        "government president war states political party power policy international congress"
        " election security democracy soviet united foreign military union vote nuclear"
    ),
    "history": _words(
        "century empire war king revolution ancient colonial emperor roman greek dynasty medieval"
        " civilization treaty army battle world passage refers slavery"
    ),
    "faith": _words(
        "religion god church buddhist hindu islam jewish christian bible religious muslim temple"
        " jesus buddha torah quran worship ritual sikh dao confucius"
    ),
    "ethics": _words(
        "moral morally wrong ethics ethical ought virtue kant mill utilitarianism philosophy"
        " philosopher belief knowledge argument argues duty scenario standards ordinary"
    ),
    "computing": _words(
        "computer algorithm data network memory program code software processor database byte"
        " bytes bits server internet protocol encryption attack binary cache input output array"
        " node tree graph file user"
    ),
    "places": _words(
        "city country river capital island located mountain sea ocean state region north south"
        " east west africa europe asia america population cities countries world"
    ),
    "arts": _words(
        "film movie song album band singer actor novel author book written tv show played series"
        " character season music episode starred painting artist played sang"
    ),
    "sport": _words(
        "team won cup league championship football player game olympic games world champion season"
        " nfl nba baseball soccer tennis record"
    ),
    "people": _words(
        "he his she her family mother father sister brother boy girl friend friends sells buys"
        " bought earns pays week weeks days hours minutes eggs apples"
    ),
}
