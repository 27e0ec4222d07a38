from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from pathlib import Path

import pytest

from deploy.embedded.home import EmbeddedError, Home, remove_short_folder, short_folder
from deploy.embedded.made import ensure_flower_basic_auth, ensure_master_keys
from deploy.embedded.redis_server import stop_redis
from deploy.embedded.servers import Server
from shared.settings import EmbeddedDefaults, load_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "var")
    home.ensure()
    return home


def test_what_is_made_once_stays_and_is_a_valid_setting(home: Home) -> None:
    keys, auth = ensure_master_keys(home).read_text(), ensure_flower_basic_auth(home).read_text()
    assert ensure_master_keys(home).read_text() == keys
    defaults = EmbeddedDefaults("postgresql:///x", "redis://r", keys.strip(), auth.strip())
    settings = load_settings({}, embedded=defaults)
    assert len(settings.master_keys[0][1]) == 32
    assert settings.flower_basic_auth[0].startswith("connector:")


def test_a_file_opened_up_is_closed_again_and_an_empty_one_refused(home: Home) -> None:
    path = ensure_master_keys(home)
    path.chmod(0o644)
    ensure_master_keys(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("")
    with pytest.raises(EmbeddedError, match="master-keys is empty"):
        ensure_master_keys(home)


def test_locks(home: Home) -> None:
    shared = home.lock("users", fcntl.LOCK_SH)
    assert not home.is_locked("users")
    with pytest.raises(BlockingIOError):
        home.lock("users", fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(shared)
    with home.locked("users"):
        assert home.is_locked("users")
    assert not home.is_locked("users")


@pytest.mark.parametrize("base", ["/tmp", "with space", "x" * 90])
def test_sockets_have_a_short_private_folder(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", base if base.startswith("/") else str(tmp_path / base))
    folder = short_folder(tmp_path, os.geteuid())
    try:
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 100
        assert " " not in str(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert short_folder(tmp_path, os.geteuid()) == folder
    finally:
        folder.rmdir()


def test_a_folder_that_someone_else_laid_there_is_refused(tmp_path: Path) -> None:
    folder = short_folder(tmp_path, os.geteuid())
    folder.rmdir()
    (tmp_path / "theirs").mkdir()
    folder.symlink_to(tmp_path / "theirs")
    with pytest.raises(EmbeddedError, match="belongs to someone else"):
        short_folder(tmp_path, os.geteuid())
    (tmp_path / "theirs" / ".s.PGSQL.5432").touch()
    remove_short_folder(tmp_path)
    assert (tmp_path / "theirs" / ".s.PGSQL.5432").exists()
    folder.unlink()


def test_a_folder_of_sockets_goes_with_what_a_killed_server_left(tmp_path: Path) -> None:
    folder = short_folder(tmp_path, os.geteuid())
    (folder / ".s.PGSQL.5432.lock").touch()
    remove_short_folder(tmp_path)
    assert not folder.exists()
    remove_short_folder(tmp_path)


def test_a_process_id_alone_proves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.redis_data.mkdir()
    pid_file = home.run / "redis.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    stop_redis(home)  # would end this very run
    assert not pid_file.exists()
    pid_file.write_text(f"{os.getpid()}\n")
    monkeypatch.chdir(home.redis_data)
    assert Server(pid_file, home.redis_data, ("redis-server",), ()).find() is None
