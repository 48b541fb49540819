"""The words that emulated answers are made of. {topic} and {key} are filled in; all are our own.

No verb agrees with what is filled in, so that it may be one thing or many.
"""
# ruff: noqa: E501, RUF001 - prose, some of it Chinese

from __future__ import annotations

OPENINGS = (
    "There is more to **{topic}** than meets the eye at first, but a few ideas carry most of it.",
    "The short version: look at **{topic}** in parts, and the whole becomes easy.",
    "People come to **{topic}** from different sides, so it helps to begin with what they share.",
    "Let us take **{topic}** one step at a time, from the plain idea to the details that matter.",
    "With **{topic}** the useful question is rarely *what* but *what for*.",
)
PARAGRAPHS = (
    "Start with what you already know. Write down in one sentence what {topic} should give you, and "
    "keep that sentence in sight; half of all detours begin where it was forgotten.",
    "It pays to separate what is fixed from what you may still change. Around {key} the fixed part is "
    "usually smaller than it looks, and naming it makes the rest feel light.",
    "Small trials teach more than long plans. Pick one corner of {topic}, try it for a week, and note "
    "what surprised you. A surprise is worth more than a confirmation.",
    "Numbers help as long as they answer a question. For {key}, one figure that you look at every "
    "week beats a dashboard of thirty that nobody opens.",
    "Other people have been here before. Ask somebody who works with {topic} every day which mistake "
    "they would not make again; the answer is seldom in a book.",
    "Watch the edges. Things go wrong with {key} at the beginning, at the end, and where one person "
    "hands over to the next, far more often than in the middle.",
    "There is a cost to every choice, and it is fair to say it aloud. More care with {topic} takes "
    "time today and saves it later; how much later is what you have to judge.",
    "Keep a way back. If a decision about {key} can be undone in an hour, take it now; if it cannot, "
    "sleep on it once.",
    "Good defaults do most of the work. Choose them for {topic} as if nobody would ever change them, "
    "because nearly nobody will.",
    "Finally, leave room for taste. Two sensible people can look at {key}, weigh the same facts, and "
    "end up in different places, as a café in Zürich and one in 東京 do with the same beans.",
)
HEADINGS = (
    "What it is about",
    "Why it matters",
    "How to begin",
    "What to watch for",
    "Common mistakes",
    "A closer look",
    "What experience says",
    "Where the limits are",
    "A small example",
    "How to go on",
    "What it costs",
    "Who should decide",
)
BULLETS = (
    ("Purpose", "settle what {key} should do for you before you settle how"),
    ("Scope", "decide what does *not* belong to it"),
    ("Effort", "an hour of trying beats a day of guessing"),
    ("People", "find out who is affected, and ask them early"),
    ("Risk", "look for the step that cannot be undone"),
    ("Upkeep", "what is easy to start should also be easy to keep"),
    ("Measure", "choose one sign by which you will know that it works"),
    ("Timing", "begin before you are ready, finish before you are tired"),
)
STEPS = (
    "Write down in one sentence what you want from {topic}.",
    "Collect what you have, and cross out what you do not need.",
    "Do the smallest part of {key} that is of use by itself.",
    "Show it to one person, and listen for what they do *not* say.",
    "Mend the one thing that bothered them most.",
    "Repeat until the next round would change nothing that matters.",
)
TABLES = (
    (
        ("Way", "Takes", "Good for", "Mind"),
        (
            ("Simple", "an hour", "a first look at {key}", "stops early"),
            ("Thorough", "a week", "results that last", "needs patience"),
            ("Together", "two weeks", "shared decisions", "needs a host"),
        ),
    ),
    (
        ("Question", "Yes", "No"),
        (
            ("Is the aim of {key} clear?", "go on ✅", "write it down first"),
            ("Can it be undone?", "try it today", "sleep on it"),
            ("Does anybody wait for it?", "show a draft", "take your time 🙂"),
        ),
    ),
)
VERSUS = (
    ("To get started", "quick", "takes a little longer"),
    ("In everyday use", "steady", "flexible"),
    ("When it grows", "mind the limits", "room to spare"),
    ("To change your mind", "easy", "plan ahead"),
)
FORMULAS = (
    "A rule of thumb can be written down. With weights $w_i$ for what matters and marks $x_i$ from 0 "
    "to 1, an option is worth\n\n$$ S = \\sum_{i=1}^{n} w_i \\, x_i, \\qquad \\sum_{i=1}^{n} w_i = 1 $$\n\n"
    "and the option with the largest $S$ is the one to try first.",
    "Practice has a formula as well. If the first attempt takes $t_1$ and each doubling of practice "
    "cuts the time to a share $p$, the attempt number $n$ takes\n\n"
    "$$ t_n = t_1 \\cdot n^{\\log_2 p} $$\n\nso with $p = 0.8$ the tenth attempt takes about 48 % of "
    "the first.",
    "How sure can one be after $n$ trials? If the spread of a single one is $\\sigma$, the mean of "
    "all is known to within\n\n$$ \\Delta = \\frac{\\sigma}{\\sqrt{n}} $$\n\nwhich is why four times the "
    "trials only halve the doubt.",
)
QUOTES = (
    "> 千里之行，始于足下。  \n> *A journey of a thousand miles begins beneath one's feet.* (Laozi)",
    "> Übung macht den Meister.  \n> *Practice makes the master.* (German proverb)",
    "> Chi va piano, va sano e va lontano.  \n> *Who goes slowly goes safely, and far.* (Italian proverb)",
    "> 七転び八起き  \n> *Fall seven times, get up eight.* (Japanese proverb)",
)
CLOSINGS = (
    "If you tell me a little more about your situation, I can be more precise.",
    "Shall I go deeper into one of these points?",
    "Say the word, and I turn this into a checklist.",
)
HONEST = (
    "*Written by the local emulator in the name of {model}: the form is real, the wisdom is made up.*",
    "*This came from the local emulator, playing {model}. With a key of OpenRouter the real one answers.*",
)
LINKS = (
    "For more, the encyclopædia is a good place to start: "
    "[{topic} on Wikipedia](https://en.wikipedia.org/wiki/Special:Search?search={query}).",
)
BRIEF = (
    "**{topic}** in brief: know the purpose, start small, and keep a way back. Most of what goes "
    "wrong later goes wrong because one of the three was skipped.",
    "The gist of **{topic}** is to separate what is fixed from what you can choose, try the cheapest "
    "option first, and look at one honest figure for {key} each week.",
)
SENTENCES = (
    "Take {topic} in small steps, and keep the way back open.",
    "With {topic}, know the purpose first; the rest follows from it.",
)
WORDS = ("Curiosity.", "Patience.", "Balance.", "Clarity.", "Practice.", "Attention.")
GREETINGS = (
    "Hello! 👋 I am {model}, or rather the local emulator that plays it. Ask me anything: I answer with "
    "headings, lists, tables, code and formulas, as long or as short as you like.",
    "Hi there! You are talking to the local emulator in the role of {model}. What shall we look at?",
)
GOING_ON = (
    "To go on with **{topic}**:",
    "There is more to say about **{topic}**.",
)
THANKS = ("You are welcome! 🙂 Anything else?", "With pleasure. Come back whenever you like.")
THOUGHTS = (
    "The person asks about {topic}.",
    "I should first settle what they mean by {key}, and what they will do with the answer.",
    "A list of everything would not help; three or four points in a good order will.",
    "An example would make {key} easier to grasp.",
    "I must not claim figures that I do not have.",
    "The tone should be plain and friendly, without a long preamble.",
    "Is there a trap in the question? The word {key} can be read in two ways; I take the usual one.",
    "I will begin with the main idea and end with a step they can take today.",
    "That should do; now to write it down.",
)
