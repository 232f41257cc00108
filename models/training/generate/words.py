"""What stands on the pages: words, names, numbers and sentences without meaning, in a few languages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LANGUAGES = (
    """the of and to in is for that with as this by from are at which on an be or have will can all been their more
    were one about would other into time only these some may any first than our after over such most between year
    where before each under while report agreement project payment account service meeting system plan order section
    policy member area result value method local public early market question number office change reason letter
    review schedule delivery during house water people small large important available following according""",
    """der die und das von mit für auf ist nicht ein eine werden sich auch nach bei einer aus wird durch haben über
    zum zur kann oder wenn mehr noch wie sehr Vertrag Rechnung Betrag Konto Kunde Sitzung Antrag Anlage Leistung Frist
    Straße Wohnung Gebühr Prüfung Termin Bericht Jahr Monat möglich zwischen gemäß sowie bezüglich""",
    """le la les de des et à en un une du pour que dans par sur avec est il au plus ne sont ou cette être leur comme
    ses société année facture montant contrat dossier période étude système développement après même très première
    travail projet réunion ville maison service""",
    """el la de que y en los se del las un por con una para es al lo como más o pero sus este ya entre cuando muy sin
    sobre también hasta año contrato factura importe cliente servicio información gestión número dirección reunión""",
)
_NAMES = tuple(
    """Anna Bruno Carla David Elena Felix Greta Hugo Irene Jonas Karin Luca Maria Nils Olga Paul Rosa Stefan Tina
Urs Vera Walter Yara Zoe Miller Weber Rossi Dubois Garcia Novak Jensen Keller Brown Silva Kowalski Martin""".split()  # noqa: SIM905 -- easier to read as a text
)
_GOODS = tuple(
    """milk bread butter eggs apples coffee tea rice pasta cheese yoghurt water juice bananas soap paper batteries
salad tomatoes onions chicken beef salmon chocolate biscuits cereal flour sugar oil beer wine pizza sandwich soup
espresso cappuccino lasagne burger fries umbrella screws paint brush lamp cable stamps parking diesel""".split()  # noqa: SIM905 -- easier to read as a text
)
_SHOPS = tuple(
    """Market Bakery Pharmacy Cafe Bistro Hardware Grocer Kiosk Fuel Books Garden Deli Trattoria Books Optics
Tailor Florist Hotel Garage Studio Barber Jewels Sports Shoes Toys Music Travel Bank Cinema""".split()  # noqa: SIM905 -- easier to read as a text
)
_BRANDS = tuple(
    """Aldor Benro Castel Delvo Emsa Fintor Gravo Helmex Ibus Jura Kestro Lumen Mavic Nordal Ostra Pelto Quanta
Rovex Siltar Tamro Ultimo Vantor Welka Xeno Ytter Zanto""".split()  # noqa: SIM905 -- easier to read as a text
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Text in one language, drawn from `random`."""

    random: np.random.Generator
    language: tuple[str, ...]

    @classmethod
    def hire(cls, random: np.random.Generator) -> Writer:
        """A writer of any of the languages; English half of the time."""
        number = 0 if random.random() < 0.5 else int(random.integers(len(_LANGUAGES)))
        return cls(random, tuple(_LANGUAGES[number].split()))

    def _pick(self, words: tuple[str, ...]) -> str:
        return words[int(self.random.integers(len(words)))]

    def words(self, least: int, most: int) -> str:
        """Some words, in lower case as the language has them."""
        return " ".join(self._pick(self.language) for _ in range(int(self.random.integers(least, most + 1))))

    def title(self, least: int = 2, most: int = 5) -> str:
        """A headline."""
        return self.words(least, most).title()

    def sentences(self, count: int) -> str:
        """Running text."""
        made = []
        for _ in range(count):
            text = self.words(5, 18)
            made.append(
                text[0].upper() + text[1:] + (", " + self.words(3, 8) if self.random.random() < 0.3 else "") + "."
            )
        return " ".join(made)

    def pick_word(self, *words: str) -> str:
        """One of several."""
        return self._pick(words)

    def name(self) -> str:
        """Of a person."""
        return f"{self._pick(_NAMES[:24])} {self._pick(_NAMES[24:])}"

    def shop(self) -> str:
        """Of a shop."""
        return f"{self._pick(_NAMES)} {self._pick(_SHOPS)}"

    def brand(self) -> str:
        """Of a maker of devices."""
        return self._pick(_BRANDS)

    def good(self) -> str:
        """Something that is sold."""
        return self._pick(_GOODS)

    def price(self, most: float = 60.0) -> str:
        """An amount with two decimals."""
        return f"{self.random.uniform(0.4, most):.2f}"

    def digits(self, count: int) -> str:
        """So many digits."""
        return "".join(str(digit) for digit in self.random.integers(0, 10, count))

    def code(self) -> str:
        """A serial number."""
        letters = "".join("ABCDEFGHKLMNPRSTUVWXZ"[int(n)] for n in self.random.integers(0, 21, 2))
        return f"{letters}{self.digits(3)}-{self.digits(int(self.random.integers(3, 7)))}"

    def date(self) -> str:
        """A day."""
        day, month, year = self.random.integers((1, 1, 2005), (29, 13, 2027))
        return f"{day:02}.{month:02}.{year}" if self.random.random() < 0.5 else f"{year}-{month:02}-{day:02}"

    def time(self) -> str:
        """A time of day."""
        return f"{self.random.integers(0, 24)}:{self.random.integers(0, 60):02}"
