"""Countries: what people call them, in English, in short, and in the languages that are spoken there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from babel import Locale

_ALSO: Mapping[str, str] = {
    "AE": "uae, emirates, the emirates",
    "AL": "shqipëria",
    "AR": "la argentina",
    "AT": "österreich, oesterreich",
    "BA": "bosnia, bosna i hercegovina",
    "BE": "belgië, belgique, belgien",
    "BG": "българия",
    "BR": "brasil",
    "BY": "беларусь",
    "CD": "drc, congo",
    "CH": "schweiz, suisse, svizzera",
    "CI": "ivory coast, côte d'ivoire",
    "CN": "中国, prc",
    "CV": "cape verde, cabo verde",
    "CY": "κύπρος",
    "CZ": "czech republic, česko",
    "DE": "deutschland",
    "DK": "danmark",
    "DO": "república dominicana",
    "DZ": "algérie",
    "EE": "eesti",
    "EG": "مصر",
    "ES": "españa, espana",
    "FI": "suomi",
    "FO": "føroyar",
    "GB": "uk, u k, gb, britain, great britain",
    "GE": "საქართველო",
    "GL": "kalaallit nunaat",
    "GR": "ελλάδα, ellada, hellas",
    "HR": "hrvatska",
    "HU": "magyarország",
    "IE": "eire, éire, republic of ireland",
    "IL": "ישראל",
    "IN": "bharat, भारत",
    "IR": "persia, ایران",
    "IS": "ísland",
    "IT": "italia",
    "JO": "الأردن",
    "JP": "日本, nippon, nihon",
    "KE": "kenia",
    "KR": "korea, 대한민국, 한국",
    "LT": "lietuva",
    "LU": "lëtzebuerg, luxemburg",
    "LV": "latvija",
    "MA": "maroc, المغرب",
    "ME": "crna gora",
    "MK": "macedonia, македонија",
    "MM": "burma",
    "MX": "méxico",
    "NL": "holland, nederland",
    "NO": "norge, noreg",
    "NZ": "nz, aotearoa",
    "PE": "perú",
    "PH": "pilipinas",
    "PL": "polska",
    "RO": "românia",
    "RS": "srbija, србија",
    "RU": "россия",
    "SA": "السعودية",
    "SE": "sverige",
    "SI": "slovenija",
    "SK": "slovensko",
    "SZ": "swaziland",
    "TH": "ไทย, ประเทศไทย",
    "TN": "tunisie, تونس",
    "TR": "turkey, türkiye",
    "TW": "臺灣, 台灣",
    "UA": "україна",
    "US": "usa, u s a, u s, the us, america, the states, united states of america",
    "VA": "vatican",
    "VN": "việt nam",
    "ZA": "south africa, suid-afrika",
}
"""Beside their English names. "us" alone is who is in the picture."""


@cache
def country_names() -> Mapping[str, str]:
    """Codes of countries and territories -> their English names."""
    return {code: name for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha()}


def country_of(code: str) -> str | None:
    """The English name of a country."""
    return country_names().get(code)


@cache
def spoken_names() -> tuple[tuple[str, str], ...]:
    """What countries are called -> their codes; their English names first."""
    also = ((name, code) for code, names in _ALSO.items() for name in names.split(", "))
    return (*((name, code) for code, name in country_names().items()), *also)
