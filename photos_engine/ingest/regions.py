"""What the first-level regions of countries are called in English, by GeoNames' codes, which the gazetteer has bare.

Countries that people travel in; a region that isn't here has no name, and what is in it is told by its city and its
country. Where a region is called as its main city is, it is told apart, so that no title says more than is known.
"""

from __future__ import annotations

from typing import Final

_CODES_AND_NAMES: Final = {
    "AR": "01 Buenos Aires Province;02 Catamarca Province;03 Chaco Province;04 Chubut Province;05 Córdoba Province;"
    "06 Corrientes Province;07 Buenos Aires;08 Entre Ríos Province;09 Formosa Province;10 Jujuy Province;"
    "11 La Pampa Province;12 La Rioja Province;13 Mendoza Province;14 Misiones Province;15 Neuquén Province;"
    "16 Río Negro Province;17 Salta Province;18 San Juan Province;19 San Luis Province;20 Santa Cruz Province;"
    "21 Santa Fe Province;22 Santiago del Estero Province;23 Tierra del Fuego;24 Tucumán Province",
    "AT": "01 Burgenland;02 Carinthia;03 Lower Austria;04 Upper Austria;05 Salzburg State;06 Styria;07 Tyrol;"
    "08 Vorarlberg;09 Vienna",
    "AU": "01 Australian Capital Territory;02 New South Wales;03 Northern Territory;04 Queensland;05 South Australia;"
    "06 Tasmania;07 Victoria;08 Western Australia",
    "BE": "BRU Brussels;VLG Flanders;WAL Wallonia",
    "BR": "01 Acre;02 Alagoas;03 Amapá;04 Amazonas;05 Bahia;06 Ceará;07 Federal District;08 Espírito Santo;"
    "11 Mato Grosso do Sul;13 Maranhão;14 Mato Grosso;15 Minas Gerais;16 Pará;17 Paraíba;18 Paraná;20 Piauí;"
    "21 Rio de Janeiro State;22 Rio Grande do Norte;23 Rio Grande do Sul;24 Rondônia;25 Roraima;26 Santa Catarina;"
    "27 São Paulo State;28 Sergipe;29 Goiás;30 Pernambuco;31 Tocantins",
    "CA": "01 Alberta;02 British Columbia;03 Manitoba;04 New Brunswick;05 Newfoundland and Labrador;07 Nova Scotia;"
    "08 Ontario;09 Prince Edward Island;10 Quebec;11 Saskatchewan;12 Yukon;13 Northwest Territories;14 Nunavut",
    "CH": "AG Aargau;AI Appenzell Innerrhoden;AR Appenzell Ausserrhoden;BE Canton of Bern;BL Basel-Landschaft;"
    "BS Basel-Stadt;FR Canton of Fribourg;GE Canton of Geneva;GL Canton of Glarus;GR Graubünden;JU Jura;"
    "LU Canton of Lucerne;NE Canton of Neuchâtel;NW Nidwalden;OW Obwalden;SG Canton of St. Gallen;"
    "SH Canton of Schaffhausen;SO Canton of Solothurn;SZ Canton of Schwyz;TG Thurgau;TI Ticino;UR Uri;VD Vaud;"
    "VS Valais;ZG Canton of Zug;ZH Canton of Zurich",
    "CL": "01 Valparaíso Region;02 Aysén;03 Antofagasta Region;04 Araucanía;05 Atacama;06 Biobío;07 Coquimbo Region;"
    "08 O’Higgins;10 Magallanes;11 Maule;12 Santiago Metropolitan Region;14 Los Lagos;15 Tarapacá;"
    "16 Arica and Parinacota;17 Los Ríos;18 Ñuble",
    "CZ": "52 Prague;78 South Moravia;79 South Bohemia;80 Vysočina;81 Karlovy Vary Region;82 Hradec Králové Region;"
    "83 Liberec Region;84 Olomouc Region;85 Moravia-Silesia;86 Pardubice Region;87 Plzeň Region;88 Central Bohemia;"
    "89 Ústí Region;90 Zlín Region",
    "DE": "01 Baden-Württemberg;02 Bavaria;03 Bremen;04 Hamburg;05 Hesse;06 Lower Saxony;07 North Rhine-Westphalia;"
    "08 Rhineland-Palatinate;09 Saarland;10 Schleswig-Holstein;11 Brandenburg;12 Mecklenburg-Western Pomerania;"
    "13 Saxony;14 Saxony-Anhalt;15 Thuringia;16 Berlin",
    "DK": "17 Capital Region of Denmark;18 Central Jutland;19 North Jutland;20 Zealand;21 Southern Denmark",
    "ES": "07 Balearic Islands;27 La Rioja;29 Community of Madrid;31 Region of Murcia;32 Navarre;34 Asturias;"
    "39 Cantabria;51 Andalusia;52 Aragon;53 Canary Islands;54 Castile-La Mancha;55 Castile and León;56 Catalonia;"
    "57 Extremadura;58 Galicia;59 Basque Country;60 Valencian Community;CE Ceuta;ML Melilla",
    "FI": "01 Uusimaa;02 Southwest Finland;04 Satakunta;05 Kanta-Häme;06 Pirkanmaa;07 Päijät-Häme;08 Kymenlaakso;"
    "09 South Karelia;10 South Savo;11 North Savo;12 North Karelia;13 Central Finland;14 South Ostrobothnia;"
    "15 Ostrobothnia;16 Central Ostrobothnia;17 North Ostrobothnia;18 Kainuu;19 Lapland",
    "FR": "11 Île-de-France;24 Centre-Val de Loire;27 Bourgogne-Franche-Comté;28 Normandy;32 Hauts-de-France;"
    "44 Grand Est;52 Pays de la Loire;53 Brittany;75 Nouvelle-Aquitaine;76 Occitanie;84 Auvergne-Rhône-Alpes;"
    "93 Provence-Alpes-Côte d’Azur;94 Corsica",
    "GB": "ENG England;NIR Northern Ireland;SCT Scotland;WLS Wales",
    "GR": "ESYE11 Eastern Macedonia and Thrace;ESYE12 Central Macedonia;ESYE13 Western Macedonia;ESYE14 Thessaly;"
    "ESYE21 Epirus;ESYE22 Ionian Islands;ESYE23 Western Greece;ESYE24 Central Greece;ESYE25 Peloponnese;ESYE31 Attica;"
    "ESYE41 North Aegean;ESYE42 South Aegean;ESYE43 Crete",
    "HR": "01 Bjelovar-Bilogora;02 Brod-Posavina;03 Dubrovnik-Neretva;04 Istria;05 Karlovac County;"
    "06 Koprivnica-Križevci;07 Krapina-Zagorje;08 Lika-Senj;09 Međimurje;"
    "10 Osijek-Baranja;11 Požega-Slavonia;12 Primorje-Gorski Kotar;"
    "13 Šibenik-Knin;14 Sisak-Moslavina;15 Split-Dalmatia;16 Varaždin County;"
    "17 Virovitica-Podravina;18 Vukovar-Srijem;19 Zadar County;"
    "20 Zagreb County;21 Zagreb",
    "IE": "C Connacht;L Leinster;M Munster;U Ulster",
    "IN": "01 Andaman and Nicobar Islands;02 Andhra Pradesh;03 Assam;05 Chandigarh;07 Delhi;09 Gujarat;10 Haryana;"
    "11 Himachal Pradesh;12 Jammu and Kashmir;13 Kerala;14 Lakshadweep;16 Maharashtra;17 Manipur;18 Meghalaya;"
    "19 Karnataka;20 Nagaland;21 Odisha;22 Puducherry;23 Punjab;24 Rajasthan;25 Tamil Nadu;26 Tripura;28 West Bengal;"
    "29 Sikkim;30 Arunachal Pradesh;31 Mizoram;33 Goa;34 Bihar;35 Madhya Pradesh;36 Uttar Pradesh;37 Chhattisgarh;"
    "38 Jharkhand;39 Uttarakhand;40 Telangana;41 Ladakh",
    "IS": "38 East Iceland;39 Capital Region of Iceland;40 Northeast Iceland;41 Northwest Iceland;42 South Iceland;"
    "43 Southern Peninsula;44 Westfjords;45 West Iceland",
    "IT": "01 Abruzzo;02 Basilicata;03 Calabria;04 Campania;05 Emilia-Romagna;06 Friuli-Venezia Giulia;07 Lazio;"
    "08 Liguria;09 Lombardy;10 Marche;11 Molise;12 Piedmont;13 Apulia;14 Sardinia;15 Sicily;16 Tuscany;"
    "17 Trentino-South Tyrol;18 Umbria;19 Aosta Valley;20 Veneto",
    "JP": "01 Aichi Prefecture;02 Akita Prefecture;03 Aomori Prefecture;04 Chiba Prefecture;05 Ehime Prefecture;"
    "06 Fukui Prefecture;07 Fukuoka Prefecture;08 Fukushima Prefecture;09 Gifu Prefecture;10 Gunma Prefecture;"
    "11 Hiroshima Prefecture;12 Hokkaido;13 Hyogo Prefecture;14 Ibaraki Prefecture;15 Ishikawa Prefecture;"
    "16 Iwate Prefecture;17 Kagawa Prefecture;18 Kagoshima Prefecture;19 Kanagawa Prefecture;20 Kochi Prefecture;"
    "21 Kumamoto Prefecture;22 Kyoto Prefecture;23 Mie Prefecture;24 Miyagi Prefecture;25 Miyazaki Prefecture;"
    "26 Nagano Prefecture;27 Nagasaki Prefecture;28 Nara Prefecture;29 Niigata Prefecture;30 Oita Prefecture;"
    "31 Okayama Prefecture;32 Osaka Prefecture;33 Saga Prefecture;34 Saitama Prefecture;35 Shiga Prefecture;"
    "36 Shimane Prefecture;37 Shizuoka Prefecture;38 Tochigi Prefecture;39 Tokushima Prefecture;40 Tokyo;"
    "41 Tottori Prefecture;42 Toyama Prefecture;43 Wakayama Prefecture;44 Yamagata Prefecture;"
    "45 Yamaguchi Prefecture;46 Yamanashi Prefecture;47 Okinawa Prefecture",
    "MX": "01 Aguascalientes State;02 Baja California;03 Baja California Sur;04 Campeche State;05 Chiapas;"
    "06 Chihuahua State;07 Coahuila;08 Colima State;09 Mexico City;10 Durango State;11 Guanajuato State;12 Guerrero;"
    "13 Hidalgo;14 Jalisco;15 State of Mexico;16 Michoacán;17 Morelos;18 Nayarit;19 Nuevo León;20 Oaxaca State;"
    "21 Puebla State;22 Querétaro State;23 Quintana Roo;24 San Luis Potosí State;25 Sinaloa;26 Sonora;27 Tabasco;"
    "28 Tamaulipas;29 Tlaxcala State;30 Veracruz State;31 Yucatán;32 Zacatecas State",
    "NL": "01 Drenthe;02 Friesland;03 Gelderland;04 Province of Groningen;05 Limburg;06 North Brabant;"
    "07 North Holland;09 Province of Utrecht;10 Zeeland;11 South Holland;15 Overijssel;16 Flevoland",
    "NO": "01 Akershus;04 Buskerud;05 Finnmark;08 Møre og Romsdal;09 Nordland;12 Oslo;13 Østfold;14 Rogaland;"
    "17 Telemark;18 Troms;20 Vestfold;21 Trøndelag;34 Innlandet;42 Agder;46 Vestland",
    "NZ": "10 Chatham Islands;E7 Auckland Region;E8 Bay of Plenty;E9 Canterbury;F1 Gisborne District;F2 Hawke’s Bay;"
    "F3 Manawatū-Whanganui;F4 Marlborough;F5 Nelson;F6 Northland;F7 Otago;F8 Southland;F9 Taranaki;G1 Waikato;"
    "G2 Wellington Region;G3 West Coast;TAS Tasman",
    "PL": "72 Lower Silesia;73 Kuyavia-Pomerania;74 Łódź Voivodeship;75 Lublin Voivodeship;76 Lubusz;"
    "77 Lesser Poland;78 Mazovia;79 Opole Voivodeship;80 Subcarpathia;81 Podlasie;82 Pomerania;83 Silesia;"
    "84 Holy Cross Voivodeship;85 Warmia-Masuria;86 Greater Poland;87 West Pomerania",
    "PT": "02 Aveiro District;03 Beja District;04 Braga District;05 Bragança District;06 Castelo Branco District;"
    "07 Coimbra District;08 Évora District;09 Faro District;10 Madeira;11 Guarda District;13 Leiria District;"
    "14 Lisbon District;16 Portalegre District;17 Porto District;18 Santarém District;19 Setúbal District;"
    "20 Viana do Castelo District;21 Vila Real District;22 Viseu District;23 Azores",
    "SE": "02 Blekinge;03 Gävleborg;05 Gotland;06 Halland;07 Jämtland;08 Jönköping County;09 Kalmar County;"
    "10 Dalarna;12 Kronoberg;14 Norrbotten;15 Örebro County;16 Östergötland;18 Södermanland;21 Uppsala County;"
    "22 Värmland;23 Västerbotten;24 Västernorrland;25 Västmanland;26 Stockholm County;27 Skåne;28 Västra Götaland",
    "ZA": "02 KwaZulu-Natal;03 Free State;05 Eastern Cape;06 Gauteng;07 Mpumalanga;08 Northern Cape;09 Limpopo;"
    "10 North West;11 Western Cape",
}

REGIONS: Final = {
    (country, code): name
    for country, rows in _CODES_AND_NAMES.items()
    for code, name in (row.split(" ", 1) for row in rows.split(";"))
}
"""(ISO 3166-1 alpha-2, GeoNames' first-level code) -> name."""
