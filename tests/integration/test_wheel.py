"""The wheel holds everything: installed into another folder it migrates both databases and knows its data files."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIGRATE = """
import asyncio, sys
import bot
from bot.store import migrate
from bot.store.database import Database

async def main():
    database = Database(sys.argv[1])
    await migrate.upgrade(database.engine)
    async with database.engine.connect() as connection:
        await connection.run_sync(migrate.check)
    await database.close()

asyncio.run(main())
print(bot.__file__)
print(migrate.scripts())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-build-isolation"]
    _run([*build, "--wheel-dir", str(folder), str(ROOT)], folder)
    (built,) = folder.glob("badday-*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the installed wheel and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps", "--no-index"]
    _run([*install, "--target", str(folder), str(wheel)], folder)
    return folder


def test_the_installed_wheel_migrates_an_empty_database(site: Path, empty_database_url: str, tmp_path: Path) -> None:
    package, scripts = _python(site, tmp_path, MIGRATE, empty_database_url).splitlines()[-2:]
    assert Path(package) == site / "bot" / "__init__.py"
    assert Path(scripts) == site / "bot" / "_alembic"


def test_the_installed_wheel_makes_a_first_catalog(site: Path, tmp_path: Path) -> None:
    init = "from bot.cli import main; main(['init', '--yes', '--owner', 'maria@example.com'])"
    assert "Wrote badday.yaml" in _python(site, tmp_path, init)
    schema = (tmp_path / "badday.yaml").read_text().splitlines()[0].partition("$schema=")[2]
    assert Path(schema) == site / "bot" / "catalog" / "badday.schema.json"


def test_the_wheel_holds_data_pages_and_runbooks(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {ROOT / "bot": "bot", ROOT / "runbooks": "bot/_runbooks", ROOT / "alembic": "bot/_alembic"}
    expected = {
        f"{target}/{path.relative_to(source).as_posix()}"
        for source, target in sources.items()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert expected - names == set()
    assert not any(name.startswith(("tests/", "alembic/")) for name in names)


def _python(site: Path, folder: Path, code: str, *arguments: str) -> str:
    """Run code with the installed wheel first; the checkout's own installation is not on the path."""
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("BADDAY_", "DATABASE_URL"))},
        "PYTHONPATH": os.pathsep.join([str(site), *dependencies]),
    }
    # -S: no .pth files, so that an editable installation of the checkout is not found.
    return _run([sys.executable, "-S", "-c", code, *arguments], folder, environment)


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
