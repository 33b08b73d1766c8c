"""The state on a server of Terraform's http protocol, such as GitLab's managed states.

The protocol knows one document for each address: to get and to post it, to lock and to unlock it.
Nothing can be appended, so the journal of a run is a file on this machine; the document, with the
journal as far as it is, is posted when the run begins, every 20 seconds while there is something
new, and at the end. A run that is killed loses nothing on its own machine. On another one the lock
is still held by it, and the document tells what it did until the last post and where the rest is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from mlform.backends.base import DEFAULT_WORKSPACE, StateBackend
from mlform.backends.http_document import Document, compressed, lineage_of, shortened
from mlform.backends.http_journals import Left, LocalJournals, OwnJournal
from mlform.backends.http_lock import HttpLock
from mlform.backends.http_site import HttpPlace, HttpSite, replaced_document
from mlform.backends.journaled import JournaledBackend
from mlform.backends.storage import Content, check_unchanged
from mlform.dataclass import replace
from mlform.errors import BackendError, LockLost, StateConflict, StateCorrupt
from mlform.state.encryption import PLAIN, Cipher


class HttpStorage:
    """Keeps bytes in the document and in files of this machine; see `Storage`.

    Appending only writes a file; another thread posts. `_posting` is held by whoever changes the
    document on the server, `_mutex` by whoever changes the journal here; the first is taken first.
    """

    def __init__(self, site: HttpSite, journals: LocalJournals) -> None:
        self._site = site
        self._journals = journals
        self._posting = threading.RLock()
        self._mutex = threading.Lock()
        self._seen: Document | None = None
        self._is_fresh = False
        self._changed: Document | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._journal_id = ""
        self._journal = bytearray()
        self._file: OwnJournal | None = None
        self._last_post = 0.0
        self._timer: threading.Timer | None = None
        self._trouble: BackendError | None = None

    def load(self) -> Content:
        """Return what is kept: the document, with the journal of this machine if it knows more."""
        with self._posting:
            document, journal = self._look()
            self._seen, self._is_fresh = document, True
            if document.journal_id != self._journal_id or self._file is None:
                self._journal_id, self._journal = document.journal_id, bytearray(journal)
        return Content(
            snapshot=document.snapshot,
            version=document.version,
            journal=journal,
            journal_id=document.journal_id,
        )

    def replace(self, snapshot: bytes, *, expected: str) -> str:
        """Store a snapshot."""
        with self._changing() as document:
            check_unchanged(document.version, expected, self.describe())
            changed = replace(document, snapshot=snapshot, lineage=lineage_of(snapshot))
            self._change(changed)
            return changed.version

    def begin(self, header: bytes, journal_id: str) -> None:
        """Start a journal: its file first, so that a document that names it finds it."""
        with self._changing() as document:
            file = None if self._at_once else self._journals.begin(journal_id, header)
            journal_of = "" if self._at_once else self._site.journal_of
            begun = replace(document, journal=header, journal_id=journal_id, journal_of=journal_of)
            self._change(begun)
            self._after(lambda: self._set_journal(journal_id, header, file))

    def append(self, lines: bytes, journal_id: str) -> None:
        """Add to a journal: to its file; to the document a little later."""
        check_unchanged(self._journal_id, journal_id, self.describe())
        if self._file is None or self._changed is not None:
            with self._changing() as document:
                journal = document.journal + lines
                self._change(replace(document, journal=journal))
                if self._changed is None:
                    self._journal += lines
            return
        with self._mutex:
            if self._trouble is not None:
                raise self._trouble
            self._file.append(lines)
            self._journal += lines
            self._post_later()

    def keep(self, journals: Mapping[str, bytes]) -> None:
        """Add journals to the history."""
        with self._changing() as document:
            known = dict(document.history)
            added = {name: lines for name, lines in journals.items() if name not in known}
            self._change_history(document, added)

    def renew(self, journals: Mapping[str, bytes]) -> None:
        """Replace journals of the history, there and on this machine."""
        with self._changing() as document:
            known = dict(document.history)
            for name in journals.keys() - known.keys():
                self._journals.keep(name, journals[name])
            changed = {name: lines for name, lines in journals.items() if name in known}
            self._change_history(document, changed)

    def end(self, journal_id: str) -> None:
        """Remove a journal."""
        with self._changing() as document:
            if document.journal_id != journal_id:
                return
            self._change(replace(document, journal=b"", journal_id="", journal_of=""))
            self._after(lambda: self._set_journal("", b"", None))

    def history(self) -> Iterator[tuple[str, bytes]]:
        """Return the journals that were kept: those that moved to this machine, then the others."""
        document = self._site.fetch()
        names = dict(document.history)
        yield from (kept for kept in self._journals.kept() if kept[0] not in names)
        yield from zip(names, document.journals, strict=True)

    def describe(self) -> str:
        """Return where it is."""
        return self._site.shown

    def together(self, work: Callable[[], None]) -> None:
        """Do several of these calls and post once."""
        with self._posting:
            self._changed, self._afterwards = self._whole(), []
            try:
                work()
                changed = self._changed
            finally:
                self._changed = None
            if changed != self._seen:
                self._post(changed)
            for each in self._afterwards:
                each()

    @property
    def _at_once(self) -> bool:
        return self._site.place.interval == 0

    @contextmanager
    def _changing(self) -> Iterator[Document]:
        """Hold the document for a change; by itself it is posted with the whole journal."""
        with self._posting:
            yield self._whole() if self._changed is None else self._changed

    def _whole(self) -> Document:
        """Return the document with all that this machine knows of its journal."""
        seen = self._seen
        if seen is None:
            self.load()
            return self._whole()
        with self._mutex:
            if not self._journal_id or seen.journal_id != self._journal_id:
                return seen
            return replace(seen, journal=bytes(self._journal))

    def _change(self, document: Document) -> None:
        if self._changed is None:
            self._post(document)
        else:
            self._changed = document

    def _change_history(self, document: Document, journals: Mapping[str, bytes]) -> None:
        """Take journals into the history; the oldest ones move to this machine for want of room."""
        if not journals:
            return
        told = {name: compressed(lines) for name, lines in journals.items()}
        kept, moved = shortened(tuple(sorted({**dict(document.history), **told}.items())))
        gone = replace(document, history=moved)
        for (old, _), content in zip(moved, gone.journals, strict=True):
            self._journals.keep(old, content)
        self._change(replace(document, history=kept))

    def _after(self, work: Callable[[], None]) -> None:
        """Do something once the document is posted."""
        if self._changed is None:
            work()
        else:
            self._afterwards.append(work)

    def _post(self, document: Document) -> None:
        """Post, unless the server has something else by now than was seen there last."""
        self._last_post = time.monotonic()
        if not self._is_fresh:
            found = self._site.fetch()
            if found != self._seen:
                self._site.check_lock()
                raise replaced_document(found, self.describe())
        self._is_fresh = False
        self._seen = self._site.post(document)

    def _post_later(self) -> None:
        if self._timer is None:
            wait = self._last_post + self._site.place.interval - time.monotonic()
            self._timer = threading.Timer(max(0.0, wait), self._post_now)
            self._timer.daemon = True
            self._timer.start()

    def _post_now(self) -> None:
        """Post what was appended; what is wrong for good, the next append says."""
        with self._posting:
            with self._mutex:
                self._timer = None
                if self._file is None:
                    return
            document = self._whole()
            if document == self._seen:
                return
            try:
                self._post(document)
            except (LockLost, StateConflict) as problem:
                self._trouble = problem
            except BackendError:  # the server is away: the file has it all
                with self._mutex:
                    self._post_later()

    def _set_journal(self, journal_id: str, journal: bytes, file: OwnJournal | None) -> None:
        """Take another journal for the one of this run; the server has what the others say."""
        with self._mutex:
            before, self._file = self._file, file
            timer, self._timer = self._timer, None
            self._journal_id, self._journal = journal_id, bytearray(journal)
            self._trouble = None
        if timer is not None:
            timer.cancel()
        if before is not None:
            before.close()
        self._journals.remove(but=journal_id)

    def _look(self) -> tuple[Document, bytes]:
        """Return the document and its journal, both of one moment.

        Raises:
            StateCorrupt: If this machine knows of something that others have gone past.
        """
        document = self._site.fetch()
        while True:
            found = self._journals.found()
            here = next((each for each in found if each.journal_id == document.journal_id), None)
            past = [each for each in found if each is not here and _is_unknown(each, document)]
            is_elsewhere = bool(document.journal_id) and here is None and not self._at_once
            if not past and not is_elsewhere:
                return document, _longer(document, here)
            again = self._site.fetch()  # a run may begin or end while we look
            if again == document:
                if past:
                    raise _gone_past(past[0])
                return document, document.journal
            document = again


def _is_unknown(left: Left, document: Document) -> bool:
    """Whether a journal of this machine says what the server never heard of."""
    return left.has_entries and not any(kept.startswith(left.lines) for kept in document.journals)


def _longer(document: Document, here: Left | None) -> bytes:
    """Return what there is of the journal: the file is ahead, unless everything is posted."""
    if here is None or document.journal.startswith(here.lines):
        return document.journal
    if here.lines.startswith(document.journal):
        return here.lines
    raise StateCorrupt(
        "The journal of the state is damaged",
        f"{here.path} is not what the server has of it. To go on with what the server has, move "
        "that file away.",
    )


def _gone_past(left: Left) -> StateCorrupt:
    entries = left.lines.count(b"\n") - 1
    return StateCorrupt(
        "A run on this machine did what nobody else knows of",
        f"It died, and somebody else forced its lock open and went on from what it had posted. "
        f"{left.path} holds its {entries} entries: look there for objects that exist and are in "
        "no state, and import or remove them. Then move that file away.",
    )


class HttpBackend(JournaledBackend):
    """A state on a server."""

    def __init__(
        self,
        place: HttpPlace,
        *,
        now: Callable[[], datetime],
        cipher: Cipher = PLAIN,
        rescue: Callable[[bytes], str] | None = None,
    ) -> None:
        """Name the server; nothing is asked yet.

        Args:
            place: Where the state is.
            now: The clock, in UTC.
            cipher: Seals what is kept.
            rescue: Keeps on this machine what the server does not take.
        """
        site = HttpSite(place, now)
        journals = LocalJournals(place.folder)
        storage = HttpStorage(site, journals)
        super().__init__(
            storage,
            HttpLock(site, journals),
            cipher=cipher,
            rescue=rescue,
            together=storage.together,
        )


class HttpWorkspaces:
    """The one state of an address; see `Workspaces`. The protocol knows no others."""

    def __init__(self, state: HttpBackend) -> None:
        self._state = state

    def names(self) -> tuple[str, ...]:
        """Return the default workspace."""
        return (DEFAULT_WORKSPACE,)

    def open(self, name: str) -> StateBackend:
        """Return the state."""
        _check_workspace(name)
        return self._state

    def create(self, name: str) -> None:
        """Refuse: there are no others."""
        _check_workspace(name)

    def delete(self, name: str) -> None:
        """Refuse: there are no others."""
        _check_workspace(name)


def _check_workspace(name: str) -> None:
    if name != DEFAULT_WORKSPACE:
        raise BackendError(
            "The http backend has no workspaces",
            f'There is no workspace "{name}": an address is one state. Go back to the default one '
            'with "mlform workspace select default"; for more states, give each an address of its '
            'own, such as address = "https://…/${var.stage}".',
        )
