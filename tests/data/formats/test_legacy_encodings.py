"""Files in encodings older than Unicode are read rightly, and say how sure that is."""

import codecs
import gzip
import json

import pytest

from keras_textcls import read
from keras_textcls.data.formats import legacy_encodings
from keras_textcls.data.formats.encodings import decode
from keras_textcls.data.formats.legacy_encodings import legacy_encoding

# Four sentences each: three of a shop's customers, one of a guest.
SENTENCES = {
    "Russian": """\
Мы заказали стол на вечер, но нас посадили у двери.
Доставка пришла на два дня раньше, чем обещали.
Батарея держит весь день, экраном очень довольна.
Звонила в поддержку трижды, никто так и не ответил.""",
    "Polish": """\
Zamówiłem książkę w poniedziałek, a przyszła już we środę.
Obsługa była uprzejma, ale jedzenie zupełnie zimne.
Nie polecam, bateria trzyma najwyżej godzinę.
Świetna jakość, żona jest bardzo zadowolona z prezentu.""",
    "Czech": """\
Objednal jsem si knihu v pondělí a přišla už ve středu.
Obsluha byla příjemná, ale jídlo úplně studené.
Nedoporučuji, baterie vydrží nejvýš hodinu.
Skvělá kvalita, žena má z dárku velkou radost.""",
    "Hungarian": """\
Hétfőn rendeltem meg a könyvet, és már szerdán megjött.
A kiszolgálás udvarias volt, de az étel teljesen kihűlt.
Nem ajánlom, az akkumulátor legfeljebb egy órát bír.
Kitűnő minőség, a feleségem nagyon örült az ajándéknak.""",
    "Turkish": """\
Kitabı pazartesi sipariş ettim, çarşamba günü geldi bile.
Garson çok nazikti ama yemek tamamen soğuktu.
Tavsiye etmiyorum, pil en fazla bir saat dayanıyor.
Kalitesi çok güzel, eşim hediyeye çok sevindi.""",
    "Greek": """\
Παρήγγειλα το βιβλίο τη Δευτέρα και ήρθε ήδη την Τετάρτη.
Το προσωπικό ήταν ευγενικό, αλλά το φαγητό ήταν κρύο.
Δεν το συνιστώ, η μπαταρία κρατάει το πολύ μία ώρα.
Εξαιρετική ποιότητα, η γυναίκα μου χάρηκε πολύ.""",
    "Japanese": """\
月曜日に本を注文したら、水曜日にはもう届きました。
店員さんは親切でしたが、料理はすっかり冷めていました。
おすすめできません。電池は一時間しか持ちません。
とても良い品質で、妻はプレゼントを喜んでいます。""",
    "Chinese": """\
我星期一订了这本书，星期三就到了。
服务员很客气，可是饭菜完全凉了。
我不推荐，电池最多只能用一个小时。
质量非常好，我妻子很喜欢这个礼物。""",
    "Korean": """\
월요일에 책을 주문했는데 수요일에 벌써 도착했습니다.
직원은 친절했지만 음식이 완전히 식어 있었습니다.
추천하지 않습니다. 배터리가 한 시간밖에 가지 않습니다.
품질이 아주 좋아서 아내가 선물을 무척 좋아합니다.""",
    "French": """\
J'ai commandé le livre lundi et il est arrivé dès mercredi.
Le personnel était très aimable, mais le repas était froid.
Je ne le conseille pas, la batterie tient à peine une heure.
Excellente qualité, ma femme est ravie de son cadeau.""",
    "German": """\
Das Buch habe ich am Montag bestellt, am Mittwoch war es schon da.
Die Bedienung war höflich, aber das Essen völlig kalt.
Ich kann es nicht empfehlen, der Akku hält höchstens eine Stunde.
Großartige Qualität, meine Frau freut sich sehr über das Geschenk.""",
    "Spanish": """\
Pedí el libro el lunes y llegó ya el miércoles.
El personal fue amable, pero la comida estaba fría.
No lo recomiendo, la batería dura como mucho una hora.
Una calidad estupenda, mi mujer está muy contenta con el regalo, ¡qué año!""",
    "English": """\
I ordered the book on Monday – it arrived on Wednesday.
The café’s staff were “polite”, but the meal was cold.
I can’t recommend it, the battery lasts an hour at most.
Excellent quality, my wife’s very happy with it.""",
}
ENCODINGS = {
    "Russian": ["cp1251", "koi8_r", "cp866"],
    "Polish": ["cp1250", "iso8859_2"],
    "Czech": ["cp1250"],
    "Hungarian": ["cp1250"],
    "Turkish": ["cp1254"],
    "Greek": ["cp1253"],
    "Japanese": ["shift_jis", "euc_jp"],
    "Chinese": ["gb18030"],
    "Korean": ["euc_kr"],
    "French": ["cp1252", "latin-1"],
    "German": ["cp1252", "latin-1"],
    "Spanish": ["cp1252", "latin-1"],
    "English": ["cp1252"],
}
CASES = [(language, name) for language, names in ENCODINGS.items() for name in names]


def rows_of(language, count=32):
    """Rows of a text and a label; no text comes twice."""
    sentences = SENTENCES[language].split("\n")
    texts = (f"{sentences[i % 4]} {sentences[(i + i // 4) % 4]} {i}" for i in range(count))
    return [(text, "ab"[i % 2]) for i, text in enumerate(texts)]


def write_csv(path, rows, encoding):
    lines = ["text,label", *(f'"{text}",{label}' for text, label in rows)]
    path.write_bytes("\n".join(lines).encode(encoding) + b"\n")
    return path


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_a_few_dozen_rows_are_read_rightly(tmp_path, language, encoding):
    rows = rows_of(language)
    dataset = read(write_csv(tmp_path / "d.csv", rows, encoding))
    assert dataset.texts == [text for text, _ in rows]
    assert dataset.details["encoding"] in dataset.details["encoding certainty"]
    assert "chaos 0." in dataset.details["encoding certainty"]


@pytest.mark.parametrize("language", ["Russian", "Japanese", "Czech"])
def test_json_and_compressed_files_are_read_rightly(tmp_path, language):
    rows, encoding = rows_of(language), ENCODINGS[language][0]
    objects = [{"text": text, "label": label} for text, label in rows]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in objects)
    for name, content in {
        "a.jsonl": lines,
        "b.json": json.dumps(objects, ensure_ascii=False),
    }.items():
        (tmp_path / name).write_bytes(content.encode(encoding))
        assert read(tmp_path / name).texts == [text for text, _ in rows]
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(lines.encode(encoding)))
    assert read(tmp_path / "c.jsonl.gz").texts == [text for text, _ in rows]


def test_the_encoding_that_is_given_overrules(tmp_path):
    rows = rows_of("Russian")
    path = write_csv(tmp_path / "d.csv", rows, "cp1251")
    dataset = read(path, encoding="koi8_r")
    assert dataset.texts == [text.encode("cp1251").decode("koi8_r") for text, _ in rows]
    assert dataset.details["encoding"] == "koi8-r"
    assert "encoding certainty" not in dataset.details


def test_a_short_file_is_western_and_says_how_unsure_that_is(tmp_path):
    dataset = read(write_csv(tmp_path / "d.csv", [("słoń", "a"), ("żółw", "b")], "cp1250"))
    assert dataset.details["encoding"] == "cp1252"
    said = dataset.details["encoding certainty"]
    assert said == "a guess: 5 bytes beyond ASCII are too few to tell"


def test_what_cannot_be_told_is_western_and_says_so():
    # Estonian, in an encoding that differs from the western one in rare letters only.
    text = (
        "Õhtul sõime köögis süüa, mängisime õues ja läksime külla, möödus öö, tõsi, šokk. "
        "Hõbe ja mõõk, kõik läks hästi, tüdruk. "
    )
    opinion = legacy_encoding((text * 3).encode("cp1257"))
    assert opinion.encoding == "cp1252" and "both fit alike" in opinion.certainty
    noise = legacy_encoding(bytes(range(128, 256)) * 9)
    assert noise.encoding == "cp1252" and "no encoding fits" in noise.certainty


def test_utf_8_is_no_question(tmp_path):
    path = write_csv(tmp_path / "d.csv", rows_of("Polish"), "utf-8")
    path.write_bytes(path.read_bytes().replace("ż".encode(), b"\xc5", 1))
    dataset = read(path)
    assert dataset.details["encoding"] == "utf-8" and "encoding certainty" not in dataset.details
    assert len(dataset) == 31 and dataset.invalid_rows.counts == {"undecodable bytes": 1}


def test_text_that_comes_late_in_a_large_file_decides(tmp_path):
    ascii_rows = [(f"a plain text of plain letters, number {i}", "a") for i in range(20_000)]
    rows = [*ascii_rows, *rows_of("Russian")]
    dataset = read(write_csv(tmp_path / "d.csv", rows, "cp1251"))
    assert dataset.texts[-32:] == [text for text, _ in rows[-32:]]
    assert dataset.details["encoding"] == "cp1251"
    assert dataset.details["encoding certainty"].startswith("cp1251 with chaos 0.")


@pytest.mark.parametrize("separator", ["\n", '", "'])
def test_a_bounded_sample_of_a_large_block_decides(separator):
    data = separator.join(text for text, _ in rows_of("Japanese", 40_000)).encode("shift_jis")
    for cut in range(3):
        block = data[: len(data) - cut]
        assert len(legacy_encodings._telling_lines(block)) <= legacy_encodings._SAMPLE
        assert legacy_encoding(block).encoding == "cp932"


def test_one_text_is_enough_for_other_scripts():
    for language in ("Russian", "Greek", "Chinese", "Korean", "Japanese"):
        encoding = ENCODINGS[language][0]
        text = SENTENCES[language]
        assert decode(text.encode(encoding)) == text
        assert codecs.lookup(legacy_encoding(text.encode(encoding)).encoding)
