"""Which heading of a file feeds which field of a product: proposed from the words, checked, and written as text."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from core.errors import N_, InvalidInput

FIELDS = ("title", "external_id", "category", "mall", "mall_category", "brand", "price", "image", "registered_at")
LABELS = {
    "title": N_("Title"),
    "external_id": N_("Product id"),
    "category": N_("Category"),
    "mall": N_("Mall"),
    "mall_category": N_("Mall category"),
    "brand": N_("Brand"),
    "price": N_("Price"),
    "image": N_("Image"),
    "registered_at": N_("Registered"),
}
SEVERAL = {"category", "mall_category"}  # fields that may be put together from level columns

# English, Korean, German, Spanish; as `_key` writes them. The first that a file has is taken.
_WORDS = {
    "title": """title producttitle 상품명 제품명 상품이름 상품제목 제목 품명 productname itemname goodsname name 이름
        nombre nombreproducto producto titulo produktname artikelname artikelbezeichnung bezeichnung titel produkt""",
    "external_id": """externalid productid itemid goodsid sku id 상품번호 상품id 상품코드 제품번호 제품코드 상품아이디
        productcode itemcode goodsno productno prdno mallproductid artikelnummer artnr productoid codigo referencia
        asin ean gtin""",
    "mall": """mall mallname 쇼핑몰 쇼핑몰명 몰 몰이름 판매처 판매몰 스토어 store storename shop shopname seller vendor
        retailer tienda supermercado handler haendler geschaft geschaeft laden markt""",
    "mall_category": """mallcategory storecategory shopcategory 쇼핑몰카테고리 몰카테고리 원본카테고리 원카테고리
        sourcecategory originalcategory shopkategorie categoriatienda""",
    "brand": """brand brandname 브랜드 브랜드명 maker manufacturer 제조사 marke hersteller marca fabricante""",
    "price": """price saleprice sellingprice 가격 판매가 판매가격 판매금액 상품가격 정가 preis precio preciocondescuento
        preciofinal verkaufspreis amount 금액""",
    "image": """image imageurl imagelink imagepath img imgurl picture photo thumbnail 이미지 이미지url 이미지주소
        이미지경로 이미지링크 대표이미지 사진 썸네일 bild bildurl imagen urlimagen foto""",
    "registered_at": """registeredat registered registrationdate regdate 등록일 등록일자 등록일시 상품등록일 등록시간
        firstseen createdat created date 날짜 일자 작성일 datum erfasstam fecha fechaalta fecharegistro lastupdated
        updatedat""",
}
_CATEGORY = """category categoryname categorypath fullcategory 카테고리 카테고리명 전체카테고리 카테고리경로 분류
    상품분류 label labels 라벨 정답 kategorie warengruppe produktkategorie categoria rubro wholecategoryname
    producttype path"""
_CODE = """categorycode categoryid 카테고리코드 카테고리id 분류코드 kategoriecode catid catcode cid codigocategoria
    code"""
_LEVEL = re.compile(
    r"^(?:category|cat|level|lvl|depth|kategorie|ebene|categoria|nivel|카테고리|분류|l)(?:l|level|depth|nivel|ebene)?(\d)"
    r"(?:name|명)?$|^(\d)(?:차|단계)(?:카테고리|분류)?$"
)
_SEPARATORS = (  # with the share of values that must have it
    *((sign, 0.2) for sign in (">", "|", "::", "»", "›", "→")),
    (" / ", 0.3),
    ("\\", 0.5),
    ("/", 0.7),
)
_KOREAN_LEVELS = {"대분류": 1, "중분류": 2, "소분류": 3, "세분류": 4, "대카테고리": 1, "중카테고리": 2, "소카테고리": 3}


def _key(heading: str) -> str:
    """'Mall_Category ' as 'mallcategory': letters and digits only, without accents."""
    plain = unicodedata.normalize("NFKD", heading.casefold())
    plain = unicodedata.normalize("NFC", "".join(char for char in plain if not unicodedata.combining(char)))
    return "".join(char for char in plain if char.isalnum())


def propose_columns(headings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Field -> headings, for the fields that some heading names. A category may be several level columns."""
    by_key: dict[str, str] = {}
    for heading in headings:
        by_key.setdefault(_key(heading), heading)
    proposal: dict[str, tuple[str, ...]] = {}
    for field in FIELDS:
        if field == "category":
            found = _propose_category(by_key)
        else:
            found = next(((by_key[word],) for word in _WORDS[field].split() if word in by_key), ())
        if found:
            proposal[field] = found
    return proposal


def _propose_category(by_key: Mapping[str, str]) -> tuple[str, ...]:
    levels: dict[int, str] = {}
    for key, heading in by_key.items():
        match = _LEVEL.match(key)
        depth = int(match[1] or match[2]) if match else _KOREAN_LEVELS.get(key)
        if depth:
            levels.setdefault(depth, heading)
    if len(levels) > 1:
        return tuple(levels[depth] for depth in sorted(levels))
    single = next((by_key[word] for word in _CATEGORY.split() if word in by_key), None)
    single = single or next(iter(levels.values()), None)
    single = single or next((by_key[word] for word in _CODE.split() if word in by_key), None)
    return (single,) if single else ()


def looks_like_code(heading: str) -> bool:
    """Whether a heading names the code of a category and not its name."""
    return _key(heading) in _CODE.split()


def is_taxonomy(headings: Sequence[str]) -> bool:
    """Whether these headings are those of a category tree and not of products."""
    columns = propose_columns(headings)
    keys = {_key(heading) for heading in headings}
    has_path = "category" in columns or any(key.startswith("path") for key in keys)
    if not has_path or set(columns) & {"mall", "mall_category", "brand", "price", "image", "registered_at"}:
        return False
    return "title" not in columns or bool(keys & {"leaf", "isleaf", "last", "depth", "parent", "parentid"})


def parse_columns(text: str) -> dict[str, tuple[str, ...]]:
    """'title=name,brand=,category=level1+level2' as field -> headings (none: not mapped). Raises InvalidInput."""
    columns: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, sign, heading = part.partition("=")
        if not sign:
            raise InvalidInput(N_("'{part}' is not of the form field=heading, such as title=name."), part=part)
        columns[check_field(field.strip())] = tuple(name.strip() for name in heading.split("+") if name.strip())
    return columns


def check_field(field: str) -> str:
    """Raises InvalidInput when products have no such field."""
    known = {"id": "external_id", "date": "registered_at"}.get(field, field)
    if known not in FIELDS:
        raise InvalidInput(
            N_("There is no field '{field}'. The fields are: {fields}."), field=field, fields=", ".join(FIELDS)
        )
    return known


def check_columns(columns: Mapping[str, Sequence[str]], headings: Sequence[str]) -> None:
    """Raise InvalidInput unless there is a title and the file has each heading."""
    listed = ", ".join(headings[:40])
    if not columns.get("title"):
        raise InvalidInput(N_("No column is chosen for the title. The file has: {headings}."), headings=listed)
    for field, names in columns.items():
        if len(names) > 1 and field not in SEVERAL:
            raise InvalidInput(N_("The field '{field}' takes one column."), field=field)
        for name in names:
            if name not in headings:
                raise InvalidInput(
                    N_("The file has no column '{name}'. It has: {headings}."), name=name, headings=listed
                )


def unique_headings(headings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Headings told apart (a second 'name' becomes 'name (2)', an empty one 'column 3'), and those that stood twice."""
    seen: dict[str, int] = {}
    result: list[str] = []
    twice: list[str] = []
    for number, heading in enumerate(headings, 1):
        name = " ".join(heading.replace("\0", "").split()) or f"column {number}"
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            twice.append(name)
            name = f"{name} ({seen[name]})"
            seen[name] = seen.get(name, 0) + 1
        result.append(name)
    return result, list(dict.fromkeys(twice))


def detect_separator(values: Iterable[str]) -> str:
    """What cuts a category path into levels in these values; '' when nothing does.

    '/' and ',' stand in names as well, so they count only when most values have them.
    """
    filled = [value for value in values if value.strip()]
    if not filled:
        return ""
    for separator, share in _SEPARATORS:
        if sum(separator in value for value in filled) >= share * len(filled):
            return separator
    return ""


def detect_decimal_comma(values: Iterable[str]) -> bool:
    """Whether these prices write decimals behind a comma (3,99), and none behind a point."""
    filled = [value.strip() for value in values]
    comma = sum(bool(re.search(r",\d{1,2}\D*$", value)) for value in filled)
    point = sum(bool(re.search(r"\.\d{1,2}\D*$", value)) for value in filled)
    return comma > 0 and point == 0
