"""The catalog in force while its file changes."""

from pathlib import Path

import pytest

from bot.catalog import CatalogError
from bot.catalog.live import LiveCatalog

TEXT = """\
badday: 1
people: {maria: {name: Maria, email: maria@example.com}}
systems: {support-bot: {owner: maria, channel: ai}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "badday.yaml"
    path.write_text(TEXT)
    return path


def test_an_unchanged_file_is_not_read_again(path: Path) -> None:
    live = LiveCatalog(path)
    before = live()
    assert not live.refresh()
    assert live() is before


def test_a_changed_file_comes_into_force(path: Path) -> None:
    live = LiveCatalog(path)
    path.write_text(TEXT.replace("channel: ai", "channel: help"))
    assert live.refresh()
    assert live().systems["support-bot"].channel == "help"


def test_a_wrong_file_is_refused_until_it_is_mended(path: Path) -> None:
    live = LiveCatalog(path)
    path.write_text(TEXT.replace("owner: maria", "owner: mario"))
    assert not live.refresh()
    assert live().systems["support-bot"].owner == "maria"
    assert [problem.line for problem in live.problems] == [3]
    path.write_text(TEXT.replace("channel: ai", "channel: help"))
    assert live.refresh()
    assert live.problems == ()


def test_a_file_that_is_gone_leaves_the_old_catalog_in_force(path: Path) -> None:
    live = LiveCatalog(path)
    path.unlink()
    assert not live.refresh()
    assert live().systems["support-bot"].owner == "maria"
    assert "no such file" in str(live.problems[0])


def test_there_is_no_start_with_a_wrong_file(path: Path) -> None:
    path.write_text("")
    with pytest.raises(CatalogError):
        LiveCatalog(path)
