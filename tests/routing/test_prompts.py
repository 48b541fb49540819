"""What a few microseconds of looking tell about a prompt."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.prompts import ATTACHMENT_TOKENS, NO_EVIDENCE, read_prompt

SCRIPTS = {
    "English": "The weather is nice today", "German": "Das Wetter ist heute schön",
    "French": "Il fait très beau aujourd'hui", "Polish": "Dziś jest ładna pogoda",
    "Turkish": "Bugün hava çok güzel", "Vietnamese": "Hôm nay thời tiết đẹp",
    "Greek": "Ο καιρός είναι ωραίος σήμερα", "Russian": "Сегодня хорошая погода",
    "Ukrainian": "Сьогодні гарна погода", "Bulgarian": "Времето днес е хубаво",
    "Serbian": "Данас је лепо време", "Kazakh": "Бүгін ауа райы жақсы",
    "Mongolian": "Өнөөдөр цаг агаар сайхан", "Armenian": "Այսօր եղանակը լավն է",
    "Georgian": "დღეს კარგი ამინდია", "Hebrew": "מזג האוויר יפה היום",
    "Arabic": "الطقس جميل اليوم", "Persian": "امروز هوا خوب است", "Urdu": "آج موسم اچھا ہے",
    "Pashto": "نن هوا ښه ده", "Syriac": "ܐܐܪ ܫܦܝܪ ܝܘܡܢܐ", "Divehi": "މިއަދު މޫސުން ރަނގަޅު",
    "Hindi": "आज मौसम अच्छा है", "Marathi": "आज हवामान छान आहे", "Nepali": "आज मौसम राम्रो छ",
    "Bengali": "আজ আবহাওয়া ভালো", "Punjabi": "ਅੱਜ ਮੌਸਮ ਚੰਗਾ ਹੈ", "Gujarati": "આજે હવામાન સારું છે",
    "Tamil": "இன்று வானிலை நன்றாக உள்ளது", "Telugu": "ఈరోజు వాతావరణం బాగుంది",
    "Kannada": "ಇಂದು ಹವಾಮಾನ ಚೆನ್ನಾಗಿದೆ", "Malayalam": "ഇന്ന് കാലാവസ്ഥ നല്ലതാണ്",
    "Sinhala": "අද කාලගුණය හොඳයි", "Thai": "วันนี้อากาศดี", "Lao": "ມື້ນີ້ອາກາດດີ",
    "Burmese": "ဒီနေ့ ရာသီဥတု ကောင်းတယ်", "Khmer": "ថ្ងៃនេះអាកាសធាតុល្អ",
    "Tibetan": "དེ་རིང་གནམ་གཤིས་ཡག་པོ་འདུག", "Amharic": "ዛሬ አየሩ ጥሩ ነው", "Tifinagh": "ⴰⵙⵙⴰ ⵉⵖⵓⴷⴰ",
    "Cherokee": "ᎣᏍᏓ ᎢᎦ", "Inuktitut": "ᐅᓪᓗᒥ ᓯᓚ ᐱᐅᔪᖅ", "Chinese": "今天天气很好",
    "Traditional Chinese": "今天天氣很好", "Japanese": "今日は天気がいいですね",
    "Korean": "오늘 날씨가 좋네요", "Gothic": "𐌲𐌿𐍄𐌹𐍃𐌺", "Cuneiform": "𒀀𒀁𒀂", "Emoji": "☀️😀🌈🎉",
}  # fmt: skip


@pytest.mark.parametrize("language", SCRIPTS)
def test_any_script_is_counted_within_reason(language: str) -> None:
    text = SCRIPTS[language] * 20
    prompt = read_prompt(text)
    assert len(text) / 8 < prompt.text_tokens <= 3 * len(text.encode())
    assert 0 < prompt.difficulty < 1
    assert math.isclose(sum(prompt.demands.values()), 1)


@given(st.text(max_size=3_000))
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    prompt = read_prompt(text)
    assert 0.05 <= prompt.difficulty <= 0.98
    assert prompt.prompt_tokens <= prompt.ceiling_tokens
    assert 30 <= prompt.answer_tokens <= 8_000
    assert all(0 <= value <= 1 for value in prompt.signals.values())


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x01\x02", "\ud800", "🎉🎉🎉", "???", "…"])
def test_nothing_to_read_is_small_talk_and_no_error(text: str) -> None:
    assert read_prompt(text).difficulty < 0.1


def test_two_megabytes_are_counted_whole_but_read_at_their_ends() -> None:
    filler = "lorem ipsum dolor sit amet " * 80_000
    plain = read_prompt(f"Say what this is. {filler}")
    hidden = read_prompt(f"Say what this is. {filler} prove the theorem rigorously {filler}")
    assert len(filler) > 2_000_000
    assert 400_000 < plain.text_tokens < 800_000
    assert hidden.signals == plain.signals


def test_a_pasted_document_is_counted_but_the_question_decides() -> None:
    paper = "We prove a theorem about integrals, eigenvalues and the compiler's code. " * 500
    asked = "Translate the abstract into French."
    prompt = read_prompt(f"{asked}\n\n{paper}")
    assert prompt.text_tokens > 5_000
    assert prompt.signals["transform"] == 1


def test_text_without_spaces_is_denser_than_prose() -> None:
    prose, packed = "plain words here " * 60, "Zm9vYmFyYmF6cXV4" * 60
    assert read_prompt(packed).text_tokens > 1.5 * read_prompt(prose).text_tokens


def test_code_takes_more_tokens_than_its_length_in_prose() -> None:
    code = "for (let i = 0; i < n; i++) { a[i] += f(x)[i] * 2; }\n" * 20
    prose = ("many plain words in a row make a sentence " * 40)[: len(code)]
    assert read_prompt(code).text_tokens > read_prompt(prose).text_tokens


def test_history_and_attachments_are_part_of_what_is_sent() -> None:
    alone = read_prompt("What is this?")
    more = read_prompt("What is this?", history_tokens=5_000, needs=frozenset({"image"}))
    assert more.prompt_tokens == alone.prompt_tokens + 5_000 + ATTACHMENT_TOKENS["image"]
    assert read_prompt("x", history_tokens=-5).prompt_tokens == read_prompt("x").prompt_tokens


def test_an_image_without_words_is_no_small_talk() -> None:
    prompt = read_prompt("", needs=frozenset({"image"}))
    assert prompt.difficulty == NO_EVIDENCE


@pytest.mark.parametrize("text", ["hi", "Hello!", "thanks", "Danke", "你好", "Привет!", "ok cool"])
def test_small_talk_is_recognised(text: str) -> None:
    assert read_prompt(text).signals["small_talk"] == 1


@pytest.mark.parametrize(
    ("text", "demand"),
    [
        ("Write a Python function that parses a CSV file", "code"),
        ("```js\nconst a = f(b);\n```\nwhat is wrong here", "code"),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1", "code"),
        ("Find the integral of x^2 and the limit of the series", "maths"),
        ("Solve \\frac{a}{b} = 3 for a", "maths"),
        ("求方程的积分", "maths"),
        ("Write a short story and a poem about the sea", "writing"),
        ("Schreibe ein Gedicht über den Herbst", "writing"),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_the_greatest_special_demand(text: str, demand: str) -> None:
    demands = dict(read_prompt(text).demands)
    demands.pop("general")
    assert max(demands, key=lambda name: demands[name]) == demand


def test_a_prompt_that_shows_nothing_is_of_middling_difficulty() -> None:
    text = "My neighbour's cat keeps visiting our balcony every afternoon around four or so."
    assert abs(read_prompt(text).difficulty - NO_EVIDENCE) < 0.1


ORDERED = [
    "hi",
    "What is the capital of France?",
    "Explain how vaccines work",
    "Compare the trade-offs of two database index strategies for our query",
    "Prove rigorously that the series converges, derive the limit and justify each step",
]


def test_difficulty_rises_from_small_talk_to_research() -> None:
    levels = [read_prompt(text).difficulty for text in ORDERED]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 0.6


@pytest.mark.parametrize("text", ORDERED[1:])
@pytest.mark.parametrize(
    "edit",
    [
        str.upper,
        str.lower,
        lambda text: f"  {text}\n\n",
        lambda text: text.replace(" ", "  "),
        lambda text: f"Please could you help me: {text} Thank you!",
        lambda text: f"Hi, {text}",
    ],
)  # fmt: skip
def test_manners_case_and_spaces_do_not_change_the_difficulty(text: str, edit: object) -> None:
    assert callable(edit)
    assert abs(read_prompt(edit(text)).difficulty - read_prompt(text).difficulty) <= 0.07


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("Write an essay of 1000 words about rivers", 1_300, 1_800),
        ("Explain gravity in one sentence", 30, 200),
        ("Explain in detail and comprehensively how TCP works", 500, 3_000),
        ("hello", 30, 60),
        ("Summarise this: " + "word and word. " * 300, 100, 400),
    ],
)
def test_the_length_of_the_answer_follows_what_is_asked(text: str, low: int, high: int) -> None:
    assert low <= read_prompt(text).answer_tokens <= high


@pytest.mark.parametrize(
    ("text", "script"),
    [("hello there", "latin"), ("привет, мир", "cyrillic"), ("今天天气很好", "han"),
     ("今日はいい天気ですね", "kana"), ("오늘 날씨", "hangul"), ("الطقس جميل", "arabic"),
     ("😀🎉🌈", "emoji"), ("", "none")],
)  # fmt: skip
def test_the_script_is_told(text: str, script: str) -> None:
    assert read_prompt(text).script == script
