"""Which exact image each image name means: read from the lock file, resolved where missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.config.lockfile import (
    LOCK_FILE_NAME,
    LockedImage,
    read_lock,
    write_lock,
)
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.digests import Digest, digest_json
from mlform.graph.runtimes import RuntimeSettings
from mlform.operations.environment import Environment
from mlform.tasks import PinnedImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The pins of a configuration.

    Attributes:
        images: By image name.
        modules: Commit or digest by package of modules.
        new: Names that were not in the lock file before.
    """

    images: Mapping[str, PinnedImage]
    modules: Mapping[str, str] = field(default_factory=dict)
    new: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest:
        """Digest of all pins."""
        images = {name: image.reference for name, image in self.images.items()}
        return digest_json({"images": images, "modules": dict(self.modules)})


def resolve_pins(
    environment: Environment,
    runtimes: Iterable[RuntimeSettings],
    *,
    readonly: bool = False,
    upgrade: bool = False,
) -> Pins:
    """Return the pin of every image that a runtime names, and write new ones to the lock file.

    Raises:
        ConfigurationError: If the lock file is broken, or lacks a pin and must not be changed.
        RuntimeFailure: If an image cannot be found.
    """
    path = environment.settings.folder / LOCK_FILE_NAME
    lock, problems = read_lock(path, shown=LOCK_FILE_NAME)
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    named: dict[str, list[RuntimeSettings]] = {}
    for runtime in runtimes:
        if runtime.image:
            named.setdefault(runtime.image, []).append(runtime)
    missing = [name for name in named if upgrade or name not in lock.images]
    if readonly:
        for name in missing:
            diagnostics.add(_not_pinned(name, named[name][0]))
    diagnostics.raise_if_errors()
    found = dict(lock.images)
    for name in missing:
        image = environment.resolve_image(name)
        users = tuple(sorted(runtime.address for runtime in named[name]))
        found[name] = LockedImage(name=name, reference=image.reference, runtimes=users)
    if found != dict(lock.images):
        write_lock(path, replace(lock, images={name: found[name] for name in sorted(named)}))
    new = tuple(name for name in missing if lock.images.get(name) != found[name])
    return Pins(
        images={name: found[name].pinned for name in sorted(named)},
        modules={package: module.pin for package, module in lock.modules.items()},
        new=new,
    )


def _not_pinned(name: str, runtime: RuntimeSettings) -> Diagnostic:
    return Diagnostic(
        summary="Image is not pinned",
        detail=f'{LOCK_FILE_NAME} has no digest for the image "{name}", and -lockfile=readonly '
        'forbids to add one. Run "mlform init" and commit the lock file.',
        range=runtime.range,
    )
