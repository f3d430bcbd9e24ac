"""What a person wrote, ready to be searched: without quotations, logs, code, markup, signatures, accents, capitals.

Every step is linear in the text's length, and the text is cut first, so hostile text costs no more than long text.
"""

import html
import re
import unicodedata
from dataclasses import dataclass

LONGEST = 20_000
"""Characters of one message that are read: the first three quarters of it and the last quarter."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_MARKUP_WITH_CONTENT = ("script", "style", "head", "pre", "code", "blockquote")
_TAG = re.compile(r"<[/!a-zA-Z][^<>]{0,2000}>")
_CODE = re.compile(r"`[^`\n]{1,300}`")
_FORWARDED = re.compile(
    r"\s*(?:-{2,} ?(?:original|forwarded|urspr|weitergeleitete|message|mensaje|mensagem|messaggio|doorgestuurd)"
    r"|_{10,}$|begin forwarded message)",
    re.IGNORECASE,
)
_QUOTE_INTRODUCED = re.compile(
    r"(?:on|am|le|el|em|il|op)\b.{0,150}\b(?:wrote|schrieb.{0,60}|a écrit|escribió"
    r"|escreveu|ha scritto|schreef.{0,60}) ?:$",
    re.IGNORECASE,
)
_LOG = re.compile(
    r"\s*(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d[.,\]]|at [\w$.<>/]+\(|Caused by: |\.\.\. \d+ more"
    r'|Traceback \(most recent|File "[^"]{1,200}", line \d|(?:[\w$]{1,60}\.){2,12}\w{0,60}(?:Exception|Error)\b'
    r"|(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|PANIC|CRITICAL|SEVERE)\s+\S{1,80}(?:\[\d+\]:?|:)\s|[{}\[\]<>|#=*_~+-]{4,}\s*$)"
)
_CLOSING = re.compile(
    r"(?:(?:best|kind|warm|many|with|mit|viele|beste|freundliche[nr]?|herzliche|kindest|warmest|yours) ?)*"
    r"(?:regards|rgds|wishes|sincerely|faithfully|truly|cheers|thanks|thank you|thx|ta|yours|best|respectfully"
    r"|gr[uü](?:ß|ss)en?|gr[uü](?:ß|ss)|hochachtungsvoll|mfg|lg|vg|dank"
    r"|cordialement|salutations.{0,20}|bien à vous|merci"
    r"|un saludo|saludos|(?:reciban )?un cordial saludo|atentamente|gracias|atenciosamente|obrigad[oa]|abraços|att"
    r"|cordiali saluti|distinti saluti|grazie|saluti|met vriendelijke groet(?:en)?|groet(?:en|jes)?|hoogachtend)"
    r"(?: (?:in advance|and regards|and best regards|im voraus|d'avance|again))?[ ,.!\u2013\u2014-]*$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'»”)]{0,3}\s+")
_INHERITED = re.compile(r"\s*(?:re|aw|antw|sv|fw|fwd|wg|tr|rv|enc|res|i)\s?:", re.IGNORECASE)
_HARD_WRAP = 60
_SIGNATURE_LINES = 8
_SIGNATURE_WIDTH = 90


@dataclass(frozen=True, slots=True)
class Prose:
    """Sentences, each on a line; `folded` is `written` without accents and capitals, character for character."""

    written: str
    folded: str

    @property
    def searched(self) -> str | bytes:
        """Return the folded text as RE2 takes it fastest: plain letters as bytes, whose places are those of letters."""
        return _plainest(self.folded)

    def sentence_around(self, start: int) -> str | bytes:
        """Return the folded sentence that the position stands in, as `searched`."""
        end = self.folded.find("\n", start)
        return _plainest(self.folded[self.folded.rfind("\n", 0, start) + 1 : end if end >= 0 else len(self.folded)])


def _plainest(text: str) -> str | bytes:
    return text.encode() if text.isascii() else text


def prose(subject: str, *messages: str) -> Prose:
    """Return the writer's own words, sentence by sentence; quoted and machine-made text is left out.

    The subject of an answered or forwarded mail is somebody else's: it is read only where there is nothing else.
    """
    sentences = [sentence for message in messages for sentence in _sentences(message)]
    if not sentences or not _INHERITED.match(subject):
        sentences[:0] = _split(_plain(_cut(subject)))
    written = "\n".join(sentences)
    return Prose(written, fold(written))


def fold(text: str) -> str:
    """Return the text without accents and capitals, of the same length."""
    return text if text.isascii() and text.islower() else text.translate(_FOLD)


class _Folding(dict[int, int]):
    """One character for each character: the base letter in lower case, plain quotes and dashes."""

    def __missing__(self, code: int) -> int:
        base = unicodedata.normalize("NFKD", chr(code))[0].lower()
        self[code] = found = ord(base) if len(base) == 1 else code
        return found


_PLAIN = {
    "'": "\u2019\u2018\u201a\u201b\u00b4`",
    '"': "\u201c\u201d\u201e\u00ab\u00bb",
    "-": "\u2013\u2014\u2011\u2212",
    "s": "\u00df",
    "o": "\u00f8\u0153\u00d8\u0152",
    "l": "\u0142\u0141",
    "d": "\u0111\u0110",
    "a": "\u00e6\u00c6",
    "i": "\u0131",
}
_FOLD = _Folding({ord(char): ord(plain) for plain, chars in _PLAIN.items() for char in chars})


def _sentences(message: str) -> list[str]:
    paragraphs = _paragraphs(_own_lines(_plain(_cut(message))))
    return [sentence for paragraph in paragraphs for sentence in _split(paragraph)]


def _split(paragraph: str) -> list[str]:
    found = (" ".join(sentence.split()) for sentence in _SENTENCE_END.split(paragraph))
    return [sentence for sentence in found if sentence]


def _cut(message: str) -> str:
    if len(message) <= LONGEST:
        return message
    head = LONGEST * 3 // 4
    return message[:head] + "\n" + message[head - LONGEST :]


def _plain(message: str) -> str:
    """Return the text without invisible characters, markup and code."""
    text = message if message.isascii() else _INVISIBLE.sub("", message)
    if "<" in text:
        for element in _MARKUP_WITH_CONTENT:
            text = _without_element(text, element)
        text = _TAG.sub(_break_or_nothing, text)
    if "&" in text:
        text = html.unescape(text)
    return _CODE.sub(" ", text)


def _break_or_nothing(tag: re.Match[str]) -> str:
    return "\n" if tag.group()[1:].lstrip("/").lower().startswith(("p", "br", "div", "li", "tr", "h")) else " "


def _without_element(text: str, element: str) -> str:
    """Return the text without this element and what it contains; an unclosed one ends with the text."""
    lower = text.lower()
    if len(lower) != len(text) or f"<{element}" not in lower:
        return text
    kept: list[str] = []
    at = 0
    while (start := lower.find(f"<{element}", at)) >= 0:
        kept.append(text[at:start])
        end = lower.find(f"</{element}", start)
        at = len(text) if end < 0 else end
    return "".join([*kept, text[at:]])


def _own_lines(text: str) -> list[str]:
    """Return the lines that the writer wrote: before what is forwarded, outside quotations, logs and code fences."""
    own: list[str] = []
    fenced = False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith(("```", "~~~")):
            fenced = not fenced
        elif fenced or stripped.startswith((">", "|")) or _LOG.match(line) or _QUOTE_INTRODUCED.match(stripped):
            continue
        elif _FORWARDED.match(stripped):
            break
        else:
            own.append(stripped)
    return _without_signature(own)


def _without_signature(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        is_mark = line in {"--", "\u2014", "__"}
        if index and (is_mark or (len(line) <= 60 and _CLOSING.match(line))):
            rest = [later for later in lines[index + 1 :] if later]
            if len(rest) <= _SIGNATURE_LINES and all(len(later) <= _SIGNATURE_WIDTH for later in rest):
                return [*lines[:index], *_postscript(lines[index + 1 :])]
    return _without_name_block(lines)


def _postscript(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if re.match(r"p\.?\s?s\b", line, re.IGNORECASE):
            return lines[index:]
    return []


def _without_name_block(lines: list[str]) -> list[str]:
    """Return the lines without a last paragraph that is a name and a position rather than a sentence."""
    while lines and not lines[-1]:
        lines = lines[:-1]
    start = len(lines)
    while start and lines[start - 1]:
        start -= 1
    block = lines[start:]
    named = 0 < len(block) <= 4 and start > 0 and all(_is_name_line(line) for line in block)
    return lines[:start] if named else lines


def _is_name_line(line: str) -> bool:
    words = line.split()
    capitals = sum(1 for word in words if not word[0].islower())
    return len(line) <= 90 and line[-1] not in "!?:" and 0 < len(words) <= 12 and capitals * 3 >= len(words) * 2


def _paragraphs(lines: list[str]) -> list[str]:
    """Return the paragraphs, hard-wrapped lines joined; other line ends end a sentence."""
    paragraphs: list[str] = []
    joined: list[str] = []
    for line in lines:
        joined.append(line)
        if len(line) < _HARD_WRAP:
            paragraphs.append(" ".join(joined))
            joined = []
    paragraphs.append(" ".join(joined))
    return paragraphs
