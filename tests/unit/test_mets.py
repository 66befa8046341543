"""METS with MODS beside the scans: an NDNP batch and a Kitodo issue say whose pages they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.metadata.beside import OTHERS_IN_A_ROW, xml_files
from orchestrator.metadata.mets import read_mets_of
from orchestrator.metadata.values import Description

HEAD = (
    '<?xml version="1.0"?><mets xmlns="http://www.loc.gov/METS/" xmlns:mods="http://www.loc.gov/mods/v3" '
    'xmlns:xlink="http://www.w3.org/1999/xlink">'
)


def by_name(folder: Path, notes: list[str] | None = None) -> dict[str, Description]:
    """Return what METS says by the name of each file of a page."""
    pages = read_mets_of(folder, [].append if notes is None else notes.append)
    return {name: page.values for page in pages for name in page.names}


def section(name: str, mods: str) -> str:
    return (
        f'<dmdSec ID="{name}"><mdWrap MDTYPE="MODS"><xmlData><mods:mods>{mods}</mods:mods></xmlData></mdWrap></dmdSec>'
    )


def ndnp_issue() -> str:
    """Return an issue as the National Digital Newspaper Program writes it, of two pages."""
    issue = (
        '<mods:relatedItem type="host"><mods:identifier type="lccn">sn82016187</mods:identifier><mods:part>'
        '<mods:detail type="issue"><mods:number>5</mods:number></mods:detail>'
        '<mods:detail type="edition"><mods:number>1</mods:number></mods:detail></mods:part></mods:relatedItem>'
        '<mods:originInfo><mods:dateIssued encoding="iso8601">1898-11-10</mods:dateIssued></mods:originInfo>'
    )
    pages, files, divisions = "", "", ""
    for n, label in ((1, "A1"), (2, "A2")):
        pages += section(
            f"pageModsBib{n}",
            f'<mods:part><mods:extent unit="pages"><mods:start>{n}</mods:start></mods:extent>'
            f'<mods:detail type="page number"><mods:number>{label}</mods:number></mods:detail></mods:part>'
            '<mods:relatedItem type="original"><mods:identifier type="reel number">00280</mods:identifier>'
            "</mods:relatedItem>",
        )
        files += "".join(
            f'<file ID="{use}{n}" USE="{use}"><FLocat LOCTYPE="OTHER" xlink:href="./000{n}.{ending}"/></file>'
            for use, ending in (("master", "tif"), ("service", "jp2"))
        )
        divisions += (
            f'<div TYPE="np:page" DMDID="pageModsBib{n}"><fptr FILEID="master{n}"/><fptr FILEID="service{n}"/></div>'
        )
    return (
        f"{HEAD}{section('issueModsBib', issue)}{pages}<fileSec><fileGrp>{files}</fileGrp></fileSec>"
        f'<structMap><div TYPE="np:issue" DMDID="issueModsBib">{divisions}</div></structMap></mets>'
    )


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A batch of one issue."""
    issue = tmp_path / "sn82016187" / "00280" / "1898111001"
    issue.mkdir(parents=True)
    (issue / "1898111001.xml").write_text(ndnp_issue())
    (tmp_path / "batch.xml").write_text(
        '<ndnp:batch xmlns:ndnp="http://www.loc.gov/ndnp" name="batch_dlc_argo_ver01"><ndnp:issue lccn="sn82016187" '
        'issueDate="1898-11-10" editionOrder="01">./sn82016187/00280/1898111001/1898111001.xml</ndnp:issue>'
        "</ndnp:batch>"
    )
    return tmp_path


def test_an_ndnp_batch_says_title_date_edition_sequence_and_reel(batch: Path) -> None:
    notes: list[str] = []
    found = by_name(batch, notes)
    assert set(found) == {f"sn82016187/00280/1898111001/000{n}.{e}" for n in (1, 2) for e in ("tif", "jp2")}
    assert found["sn82016187/00280/1898111001/0002.tif"] == {
        "title_id": "sn82016187", "date_issued": "1898-11-10", "date_precision": "day", "issue": "5", "edition": "1",
        "sequence": 2, "page_label": "A2", "reel": "00280", "batch": "batch_dlc_argo_ver01",
    }  # fmt: skip
    assert notes == []


def test_a_kitodo_issue_says_title_place_and_order(tmp_path: Path) -> None:
    logical = (
        "<mods:titleInfo><mods:title>Zürcher Zeitung</mods:title></mods:titleInfo><mods:originInfo><mods:place>"
        "<mods:placeTerm>Zürich</mods:placeTerm></mods:place><mods:dateIssued>1891-03</mods:dateIssued>"
        "</mods:originInfo><mods:language><mods:languageTerm>ger</mods:languageTerm></mods:language>"
    )
    (tmp_path / "meta.xml").write_text(
        f"{HEAD}{section('DMDLOG_0001', logical)}<fileSec><fileGrp USE='LOCAL'><file ID='F1'>"
        "<FLocat LOCTYPE='URL' xlink:href='images/Seite%201.tif'/></file></fileGrp></fileSec>"
        "<structMap TYPE='LOGICAL'><div TYPE='issue' DMDID='DMDLOG_0001'/></structMap>"
        "<structMap TYPE='PHYSICAL'><div TYPE='physSequence'><div TYPE='page' ORDER='1' ORDERLABEL=' - '>"
        "<fptr FILEID='F1'/></div></div></structMap></mets>",
        encoding="utf-8",
    )
    found = by_name(tmp_path)
    assert found == {
        "images/Seite 1.tif": {
            "title": "Zürcher Zeitung", "place": "Zürich", "language": "ger", "date_issued": "1891-03",
            "date_precision": "month", "sequence": 1,
        }
    }  # fmt: skip


def test_a_broken_mets_is_noted_and_stops_nothing(batch: Path) -> None:
    (batch / "broken.xml").write_text(f"{HEAD}<dmdSec>")
    (batch / "alto.xml").write_text("<alto/>")
    notes: list[str] = []
    assert len(by_name(batch, notes)) == 4
    assert len(notes) == 1
    assert "broken.xml cannot be read as METS" in notes[0]


def test_the_master_of_a_page_is_the_scan_that_may_be_missing(batch: Path) -> None:
    pages = read_mets_of(batch, str)
    folder = "sn82016187/00280/1898111001"
    assert [page.scan for page in pages] == [f"{folder}/0001.tif", f"{folder}/0002.tif"]
    assert {page.source for page in pages} == {f"{folder}/1898111001.xml"}


def test_an_issue_that_a_batch_names_and_that_is_not_there_is_noted(batch: Path) -> None:
    (batch / "sn82016187" / "00280" / "1898111001" / "1898111001.xml").unlink()
    notes: list[str] = []
    assert read_mets_of(batch, notes.append) == []
    assert "names 1 issue not there: sn82016187/00280/1898111001/1898111001.xml" in notes[0]


def test_text_beside_scans_is_not_opened_in_search_of_mets(batch: Path) -> None:
    folder = batch / "sn82016187" / "00280" / "1898111001"
    (folder / "0001.tif").write_bytes(b"")
    (folder / "0001.xml").write_text(HEAD)  # it would be taken for METS
    (batch / "alto").mkdir()
    for number in range(3 * OTHERS_IN_A_ROW):
        (batch / "alto" / f"{number:03}.xml").write_text("<alto/>")
    (batch / "alto" / "late.xml").write_text(HEAD)
    assert [path.name for path in xml_files(batch)] == ["batch.xml", "1898111001.xml"]
    (batch / "alto" / "mets.xml").write_text(HEAD)
    assert "mets.xml" in [path.name for path in xml_files(batch)]
