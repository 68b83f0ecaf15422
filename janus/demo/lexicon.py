"""The words of the demo grammar: three small artificial languages that resemble English, German and Romanian.

Every entry has two variants per language, the first formal, the second colloquial; a single variant is for both.
Forms, by word class:

| class | en | de | ro |
|---|---|---|---|
| noun | singular plural | singular plural gender | singular plural gender (definite forms) |
| verb | singular plural participle | singular plural participle | singular plural infinitive participle |
| adjective | one form | stem | m.sg f.sg m.pl f.pl |

In en and de the infinitive is the plural.
"""

from dataclasses import dataclass
from functools import lru_cache

LANGUAGES = ("en", "de", "ro")
REGISTERS = ("formal", "colloquial")
FORMAL, COLLOQUIAL = range(2)

_NOUNS = """
child children / kid kids | kind kinder n / bub buben m | copilul copiii m / puștiul puștii m
king kings | könig könige m | regele regii m
man men / guy guys | mann männer m / kerl kerle m | bărbatul bărbații m / tipul tipii m
woman women / gal gals | frau frauen f / dame damen f | femeia femeile f / muierea muierile f
dog dogs | hund hunde m | câinele câinii m
friend friends / buddy buddies | freund freunde m / kumpel kumpels m | prietenul prietenii m / amicul amicii m
cat cats | katze katzen f | pisica pisicile f
father fathers / dad dads | vater väter m / papa papas m | tatăl tații m / tăticul tăticii m
mother mothers / mom moms | mutter mütter f / mama mamas f | mama mamele f / mămica mămicile f
horse horses | pferd pferde n | calul caii m
physician physicians / doc docs | arzt ärzte m / doktor doktoren m | medicul medicii m / doctorul doctorii m
witch witches | hexe hexen f | vrăjitoarea vrăjitoarele f
officer officers / cop cops | polizist polizisten m / bulle bullen m | polițistul polițiștii m / gaborul gaborii m
giant giants | riese riesen m | uriașul uriașii m
goat goats | ziege ziegen f | capra caprele f
teacher teachers | lehrerin lehrerinnen f | profesoara profesoarele f
neighbor neighbors | nachbar nachbarn m | vecinul vecinii m
queen queens | königin königinnen f | regina reginele f
farmer farmers | bauer bauern m | țăranul țăranii m
nurse nurses | schwester schwestern f | asistenta asistentele f
"""

_VERBS = """
observes observe observed / sees see seen |
  sieht sehen gesehen / guckt gucken geguckt |
  vede văd vedea văzut / zărește zăresc zări zărit
strikes strike struck / beats beat beaten |
  schlägt schlagen geschlagen / haut hauen gehauen |
  lovește lovesc lovi lovit / pocnește pocnesc pocni pocnit
adores adore adored / loves love loved |
  liebt lieben geliebt / mag mögen gemocht |
  iubește iubesc iubi iubit / îndrăgește îndrăgesc îndrăgi îndrăgit
discovers discover discovered / finds find found |
  findet finden gefunden / trifft treffen getroffen |
  găsește găsesc găsi găsit / nimerește nimeresc nimeri nimerit
deceives deceive deceived / fools fool fooled |
  täuscht täuschen getäuscht / linkt linken gelinkt |
  amăgește amăgesc amăgi amăgit / păcălește păcălesc păcăli păcălit
seeks seek sought / hunts hunt hunted |
  sucht suchen gesucht / jagt jagen gejagt |
  urmărește urmăresc urmări urmărit / hăituiește hăituiesc hăitui hăituit
summons summon summoned / calls call called |
  ruft rufen gerufen / holt holen geholt |
  poftește poftesc pofti poftit / momește momesc momi momit
rescues rescue rescued / saves save saved |
  rettet retten gerettet / birgt bergen geborgen |
  izbăvește izbăvesc izbăvi izbăvit / scutește scutesc scuti scutit
praises praise praised / boosts boost boosted |
  lobt loben gelobt / feiert feiern gefeiert |
  slăvește slăvesc slăvi slăvit / cinstește cinstesc cinsti cinstit
disturbs disturb disturbed / bugs bug bugged |
  stört stören gestört / nervt nerven genervt |
  necăjește necăjesc necăji necăjit / hărțuiește hărțuiesc hărțui hărțuit
"""

_ADJECTIVES = """
large / big | groß / riesig | mare mare mari mari / zdravăn zdravănă zdraveni zdravene
old | alt | bătrân bătrână bătrâni bătrâne
small / little | klein / winzig | mic mică mici mici / mărunt măruntă mărunți mărunte
intelligent / smart | klug / schlau | deștept deșteaptă deștepți deștepte / isteț isteață isteți istețe
sad | traurig | trist tristă triști triste
wealthy / rich | wohlhabend / reich | înstărit înstărită înstăriți înstărite / bogat bogată bogați bogate
"""

_ADVERBS = """
frequently / often | häufig / oft | adesea / des
rapidly / fast | rasch / schnell | grabnic / repede
presently / now | derzeit / jetzt | acum / amuș
perhaps / maybe | möglicherweise / vielleicht | poate / parcă
anew / again | abermals / wieder | iarăși / iar
"""

_PREPOSITIONS = """
with | mit | cu
without | ohne | fără
behind | hinter | după
"""

# An auxiliary by tense: singular plural; `+` joins words of one form.
_AUXILIARIES = """
has have | hat haben | a au
is+to are+to / is+gonna are+gonna | wird werden | va vor / o or
needs+to need+to / has+to have+to | muss müssen / soll sollen | trebuie+a trebuiesc+a / are+a au+a
"""
PERFECT, FUTURE, DUTY = range(3)

Forms = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One meaning: `variants[language]` contains the forms of the formal and of the colloquial word."""

    variants: dict[str, tuple[Forms, Forms]]

    def forms(self, language: str, register: int) -> Forms:
        """The forms of the word for this meaning in a language and register (0 formal, 1 colloquial)."""
        return self.variants[language][register]


@dataclass(frozen=True)
class Lexicon:
    """All entries by word class; a meaning refers to them by index."""

    nouns: tuple[Entry, ...]
    verbs: tuple[Entry, ...]
    adjectives: tuple[Entry, ...]
    adverbs: tuple[Entry, ...]
    prepositions: tuple[Entry, ...]
    auxiliaries: tuple[Entry, ...]


@lru_cache
def lexicon() -> Lexicon:
    """The lexicon of the demo languages."""
    tables = (_NOUNS, _VERBS, _ADJECTIVES, _ADVERBS, _PREPOSITIONS, _AUXILIARIES)
    return Lexicon(*(tuple(map(_entry, _rows(table))) for table in tables))


def _rows(table: str) -> list[str]:
    """The rows of a table; a row continues after a line that ends in `|`."""
    return table.strip().replace("|\n", "|").split("\n")


def _entry(row: str) -> Entry:
    variants = {}
    for language, cell in zip(LANGUAGES, row.split("|"), strict=True):
        words = [tuple(word.split()) for word in cell.split("/")]
        variants[language] = (words[0], words[-1])
    return Entry(variants)
