"""The character sets by the names that IANA registered."""

from __future__ import annotations

from typing import Final

_NAMES: Final = {
    "ascii": "us-ascii ascii iso646-us ansi_x3.4-1968 ansi_x3.4-1986 iso_646.irv:1991 us ibm367 "
    "cp367 csascii iso-ir-6",
    "utf-8": "utf-8 csutf8",
    "utf-16-be": "utf-16be csutf16be",
    "utf-16-le": "utf-16le csutf16le",
    "utf-16": "utf-16 csutf16",
    "iso8859-1": "iso-8859-1 iso_8859-1 iso_8859-1:1987 latin1 l1 ibm819 cp819 csisolatin1 "
    "iso-ir-100",
    "iso8859-2": "iso-8859-2 iso_8859-2 latin2 l2 csisolatin2 iso-ir-101",
    "iso8859-3": "iso-8859-3 iso_8859-3 latin3 l3 csisolatin3 iso-ir-109",
    "iso8859-4": "iso-8859-4 iso_8859-4 latin4 l4 csisolatin4 iso-ir-110",
    "iso8859-5": "iso-8859-5 iso_8859-5 cyrillic csisolatincyrillic iso-ir-144",
    "iso8859-6": "iso-8859-6 iso_8859-6 arabic csisolatinarabic iso-ir-127",
    "iso8859-7": "iso-8859-7 iso_8859-7 greek greek8 csisolatingreek iso-ir-126",
    "iso8859-8": "iso-8859-8 iso_8859-8 hebrew csisolatinhebrew iso-ir-138",
    "iso8859-9": "iso-8859-9 iso_8859-9 latin5 l5 csisolatin5 iso-ir-148",
    "iso8859-10": "iso-8859-10 iso_8859-10:1992 latin6 l6 csisolatin6 iso-ir-157",
    "iso8859-13": "iso-8859-13 csiso885913",
    "iso8859-14": "iso-8859-14 iso_8859-14 latin8 l8 csiso885914 iso-ir-199",
    "iso8859-15": "iso-8859-15 iso_8859-15 latin-9 csiso885915",
    "iso8859-16": "iso-8859-16 iso_8859-16 latin10 l10 csiso885916 iso-ir-226",
    "cp1250": "windows-1250 cswindows1250",
    "cp1251": "windows-1251 cswindows1251",
    "cp1252": "windows-1252 cswindows1252",
    "cp1253": "windows-1253 cswindows1253",
    "cp1254": "windows-1254 cswindows1254",
    "cp1255": "windows-1255 cswindows1255",
    "cp1256": "windows-1256 cswindows1256",
    "cp1257": "windows-1257 cswindows1257",
    "cp1258": "windows-1258 cswindows1258",
    "cp874": "windows-874 cswindows874",
    "cp037": "ibm037 cp037 ebcdic-cp-us ebcdic-cp-ca ebcdic-cp-wt ebcdic-cp-nl csibm037",
    "cp437": "ibm437 cp437 437 cspc8codepage437",
    "cp850": "ibm850 cp850 850 cspc850multilingual",
    "cp852": "ibm852 cp852 852 cspcp852",
    "cp855": "ibm855 cp855 855 csibm855",
    "cp858": "ibm00858 ccsid00858 cp00858 pc-multilingual-850+euro csibm00858",
    "cp860": "ibm860 cp860 860 csibm860",
    "cp862": "ibm862 cp862 862 cspc862latinhebrew",
    "cp863": "ibm863 cp863 863 csibm863",
    "cp865": "ibm865 cp865 865 csibm865",
    "cp866": "ibm866 cp866 866 csibm866",
    "cp1140": "ibm01140 ccsid01140 cp01140 ebcdic-us-37+euro csibm01140",
    "koi8-r": "koi8-r cskoi8r",
    "koi8-u": "koi8-u cskoi8u",
    "mac-roman": "macintosh mac csmacintosh",
    "euc_jp": "euc-jp extended_unix_code_packed_format_for_japanese cseucpkdfmtjapanese",
    "shift_jis": "shift_jis ms_kanji csshiftjis",
    "iso2022_jp": "iso-2022-jp csiso2022jp",
    "euc_kr": "euc-kr cseuckr",
    "gbk": "gbk cp936 ms936 windows-936 csgbk",
    "gb18030": "gb18030 csgb18030",
    "hz": "hz-gb-2312",
    "big5": "big5 csbig5",
}
_CODECS: Final = {name: codec for codec, names in _NAMES.items() for name in names.split()}


def codec_of(name: str) -> str | None:
    """Return the Python codec of a character set; the case of the name takes no part."""
    return _CODECS.get(name.lower())


def encoded(content: str, codec: str) -> bytes:
    """Return the bytes of a string.

    Raises:
        UnicodeEncodeError: If a character is not in the set.
    """
    if codec == "utf-16":  # with a mark of its byte order, which is the network's
        return b"\xfe\xff" + content.encode("utf-16-be")
    return content.encode(codec)


def decoded(content: bytes, codec: str) -> str:
    """Return the string of bytes.

    Raises:
        UnicodeDecodeError: If they are none of this set.
    """
    if codec == "utf-16" and content[:2] not in {b"\xfe\xff", b"\xff\xfe"}:
        codec = "utf-16-be"
    return content.decode(codec)
