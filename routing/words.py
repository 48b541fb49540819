"""The words that tell what a prompt asks for: data, matched whole and without case.

Deliberately few. A keyword is weak evidence of difficulty; the weights that use these
(`prompts.py`) are small, and no word found leaves the balanced default in place.
Words of scripts without spaces are looked for inside the text.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREETINGS = _words(
    """hi hello hey yo hiya howdy morning evening thanks thank thx ty ok okay cool great bye
    hallo servus moin danke bonjour salut merci hola gracias buenos ciao grazie ola obrigado
    hej tack hoi привет здравствуйте спасибо مرحبا شكرا שלום תודה नमस्ते धन्यवाद merhaba selam
    teşekkürler xin chào halo γεια cześć dzięki ahoj test ping"""
)
POLITE = _words(
    """please pls plz kindly could would can you u your i me my help want need like hello hi hey
    thanks thank dear bitte kannst du könntest mir s'il te plaît vous por favor puedes пожалуйста
    the a an of to for in on and is are it this that with some give tell just"""
)
CODE = _words(
    """code coding python javascript typescript java rust golang kotlin swift php ruby sql bash
    regex regexp html css django react vue async api endpoint function class method refactor
    debug bug compile compiler unittest pytest stacktrace traceback exception algorithm script
    query schema database docker kubernetes git implement program programme snippet parser
    thread mutex deadlock leetcode c++ c# segfault recursion concurrency backend frontend
    funktion programm fonction código función программа код функцию"""
)
MATHS = _words(
    """integral integrate derivative differentiate equation equations polynomial matrix
    eigenvalue eigenvalues theorem lemma proof prove probability combinatorics modulo prime
    primes geometry triangle algebra calculus logarithm vector limit converge converges series
    sum sqrt factorise factorize solve infinitely irrational topology bijection gleichung
    ableitung wahrscheinlichkeit équation dérivée ecuación integrale уравнение интеграл
    теорема вероятность докажи доказать beweise beweis démontre démontrer demuestra
    demostrar dimostra irrationnel irracional"""
)
REASONING = _words(
    """prove proof derive deduce reason reasoning why analyse analyze analysis compare evaluate
    critique trade-off tradeoff trade-offs tradeoffs optimal optimise optimize strategy puzzle
    logic logical paradox rigorous rigorously justify implications architecture design plan
    diagnose hypothesis infer contradiction constraints complexity investigate beweise beweis
    warum begründe démontre démontrer pourquoi demuestra demostrar dimostra докажи доказать
    почему анализ analysiere vergleiche"""
)
WRITING = _words(
    """story poem haiku essay novel lyrics song limerick sonnet dialogue screenplay slogan
    tagline blog article speech letter email e-mail cover tweet caption fiction creative
    character gedicht geschichte aufsatz histoire poème lettre poema cuento carta poesia
    стихотворение рассказ письмо"""
)
TRANSFORM = _words(
    """translate translation summarise summarize summary tldr paraphrase rewrite rephrase
    proofread grammar spelling shorten extract classify categorise categorize convert format
    reformat bullet bullets übersetze zusammenfassung fasse traduis traduire résume résumer
    traduce traducir resume traduci riassumi переведи перевод кратко"""
)
SHORT = _words("brief briefly short shortly concise tldr kurz bref breve кратко")
LONG = _words(
    """detailed detail thorough thoroughly comprehensive complete full in-depth exhaustive long
    extensive guide tutorial walkthrough report ausführlich détaillé detallado подробно"""
)
ASKING = _words(
    """what who when where which whose was wer wann wo welche qui quand où quel qué quién cuándo
    dónde cuál chi quando dove что кто когда где"""
)

# Looked for inside the text: scripts that put no space between words, and set phrases.
INSIDE = {
    "reasoning": _words("证明 證明 分析 为什么 為什麼 推导 なぜ 証明 분석 증명"),
    "maths": _words("方程 定理 无理数 無理数 矩阵 증명 证明 証明 积分 概率 数学 確率 積分 확률"),
    "code": _words("代码 函数 编程 コード 関数 プログラム 코드 함수"),
    "writing": _words("故事 写一首 诗 物語 詩 이야기 시를"),
    "transform": _words("翻译 翻譯 总结 總結 翻訳 要約 번역 요약"),
    "greeting": _words("你好 您好 谢谢 謝謝 こんにちは ありがとう 안녕 สวัสดี"),
}
PHRASES = {
    "reasoning": (
        "step by step", "prove that", "show that", "trade-off", "root cause",
        "from first principles", "pros and cons", "in a way that", "such that",
        "schritt für schritt", "étape par étape",
    ),
    "code": ("unit test", "pull request", "stack trace", "data structure", "web app"),
    "short": ("in one sentence", "in one word", "in a few words", "in short", "one line"),
    "long": ("step by step", "in detail", "at length", "as long as", "from scratch", "end to end"),
}  # fmt: skip
