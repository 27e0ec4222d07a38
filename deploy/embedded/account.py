"""PostgreSQL refuses to run as root: the system user that it runs as instead, and what that one can reach."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.embedded.home import EmbeddedError, Home
from deploy.embedded.made import write_private

USER = "pgserver"
STATE_FOLDER = Path("/var/lib/bill-visma-connector")


@dataclass(frozen=True)
class Account:
    """Who a server runs as; ``other`` when that is not ourselves."""

    uid: int
    gid: int
    other: bool

    def as_process(self) -> dict[str, Any]:
        """Keywords for ``subprocess`` that start a process as this account."""
        if not self.other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: str, path: Path) -> bool:
        """Whether the account passes ``test`` (``-r``, ``-w``, ``-x``) of test(1) on ``path``."""
        done = subprocess.run(["test", test, str(path)], cwd="/", check=False, **self.as_process())
        return done.returncode == 0

    def can_run(self, program: Path) -> bool:
        """Whether the account can start ``program``, with all the libraries it needs."""
        try:
            done = subprocess.run(
                [str(program), "--version"], cwd="/", capture_output=True, check=False, **self.as_process()
            )
        except OSError:
            return False
        return done.returncode == 0

    def own(self, path: Path) -> None:
        """Give ``path`` to the account, with what is in it: ``cp -r`` of a checkout makes root its owner."""
        if not self.other or path.stat().st_uid == self.uid:
            return
        for inner in (path, *path.rglob("*")):
            os.chown(inner, self.uid, self.gid, follow_symlinks=False)


def ensure_account() -> Account:
    """Ourselves; or, as root, the user ``pgserver``, made if need be."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), other=False)
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        entry = _make_user()
    return Account(entry.pw_uid, entry.pw_gid, other=True)


def _make_user() -> pwd.struct_passwd:
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        try:  # another checkout may have been faster
            return pwd.getpwnam(USER)
        except KeyError:
            raise EmbeddedError(
                f"PostgreSQL does not run as root and the user {USER} cannot be made: "
                f"make it, run as another user, or set DATABASE_URL"
            ) from None
    return pwd.getpwnam(USER)


def ensure_data_folder(home: Home, account: Account) -> Path:
    """The folder for PostgreSQL's data: in the home, or where the account cannot go there, of its own.

    A home made anew in the place of a deleted one never finds the other's data.
    """
    if home.postgres_data.exists() or not account.other or account.can("-x", home.root):
        return home.postgres_data
    if not home.postgres_place.exists():
        write_private(home.postgres_place, secrets.token_hex(16) + "\n")
    identity = f"{home.root.resolve()}\n{home.postgres_place.read_text()}"
    folder = STATE_FOLDER / hashlib.sha256(identity.encode()).hexdigest()[:16]
    _ensure_folder(STATE_FOLDER)
    _remove_orphans(home, folder)
    _ensure_folder(folder)
    (folder / "home").write_text(f"{home.root.resolve()}\n", encoding="utf-8")
    return folder / "postgres"


def _ensure_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    except OSError as error:
        raise EmbeddedError(f"cannot make {folder}: {error.strerror}; set DATABASE_URL") from None


def _remove_orphans(home: Home, keep: Path) -> None:
    """Remove data of deleted homes that stood where this one stands."""
    mine = f"{home.root.resolve()}\n"
    for note in STATE_FOLDER.glob("*/home"):
        if note.parent != keep and note.read_text(encoding="utf-8") == mine:
            shutil.rmtree(note.parent)


def ensure_reachable(programs: Path, account: Account) -> Path:
    """``programs`` (a folder with bin, lib, share), or a copy of it that the account can run."""
    if not account.other or account.can_run(programs / "bin" / "postgres"):
        return programs
    package = programs.parent
    status = (programs / "bin" / "postgres").stat()
    mark = hashlib.sha256(f"{package} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = STATE_FOLDER / f"programs-{mark}"
    if not copy.exists():
        _ensure_folder(STATE_FOLDER)
        fresh = STATE_FOLDER / f".{copy.name}.{os.getpid()}"
        for part in ("bin", "lib", "share"):
            shutil.copytree(programs / part, fresh / package.name / programs.name / part, symlinks=True)
        # A wheel puts shared libraries beside its package, and the programs look for them there.
        for libraries in package.parent.glob(f"{package.name}.*libs"):
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_up(fresh)
        _put(fresh, copy)
    return copy / package.name / programs.name


def _put(fresh: Path, copy: Path) -> None:
    try:
        fresh.rename(copy)
    except OSError:  # another checkout was faster
        shutil.rmtree(fresh)


def _open_up(folder: Path) -> None:
    """Let everyone read; a strict umask of who installed it is no secret here."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
