"""The flags of every command, as frozen structs.

A field is a flag of the same name with dashes (`detailed_exitcode` is `-detailed-exitcode`), or an
operand where it is marked as one. The type decides how it is read: `bool` needs no value, a tuple
may be given several times.
"""

from __future__ import annotations

from typing import Annotated

from mlform.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: what it does, and what its value is called.

    `also` names a second flag whose values go into the same field in the order given; each value is
    then preceded by the name of its flag and a colon.
    """

    help: str
    value: str = ""
    also: str = ""
    also_help: str = ""


@dataclass(frozen=True, slots=True)
class Operand:
    """A word without dashes: what it is called and what it is."""

    name: str
    help: str


NoColor = Annotated[bool, Flag("Print without colour, as with NO_COLOR in the environment.")]
AsJson = Annotated[bool, Flag("Print JSON for programs.")]
Variables = Annotated[
    tuple[str, ...],
    Flag(
        "Set a variable of the root module. May be given several times.",
        "'NAME=VALUE'",
        also="var-file",
        also_help="Read variables from a file. May be given several times.",
    ),
]
Input = Annotated[
    bool | None, Flag("Ask questions when something is missing (default on a terminal).")
]
LockTimeout = Annotated[
    str, Flag("How long to wait for the lock of the state, such as 30s or 5m.", "DURATION")
]
RefreshOnly = Annotated[
    bool,
    Flag("Only take what changed outside of mlform into the state; nothing is made or destroyed."),
]
Lock = Annotated[
    bool, Flag("Do without the lock of the state: only where nobody else can change it.")
]
Backup = Annotated[str, Flag("Keep the state as it was before in this file.", "PATH")]
LockMode = Annotated[
    str, Flag('"readonly" refuses to add pins that .mlform.lock.hcl lacks.', "MODE")
]
Parallelism = Annotated[int, Flag("How many steps run at the same time at most (default 10).", "N")]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionArguments:
    """`mlform version`."""

    json: AsJson = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InitArguments:
    """`mlform init`."""

    upgrade: Annotated[
        bool, Flag("Pin every image and module anew, also those that are pinned already.")
    ] = False
    get: Annotated[bool, Flag("Leave the modules as they are installed.")] = True
    backend: Annotated[bool, Flag("Do not look whether the state can be reached.")] = True
    backend_config: Annotated[
        tuple[str, ...],
        Flag(
            "Arguments that the backend block leaves open: one, or a file of them. May be given "
            "several times.",
            "KEY=VALUE|PATH",
        ),
    ] = ()
    migrate_state: Annotated[
        bool, Flag("Copy the states to the configured backend, which is another one than before.")
    ] = False
    reconfigure: Annotated[
        bool, Flag("Use the configured backend as it is, whatever was used before.")
    ] = False
    force_copy: Annotated[
        bool, Flag("Answer yes to every question about copying states; implies -migrate-state.")
    ] = False
    old_backend_config: Annotated[
        tuple[str, ...],
        Flag("A secret argument of the backend that states are copied from.", "KEY=VALUE"),
    ] = ()
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"
    lockfile: LockMode = ""
    var: Variables = ()
    from_example: Annotated[
        str, Flag("Copy one of mlform's examples into the empty folder first.", "NAME")
    ] = ""
    input: Input = None
    json: Annotated[bool, Flag("Print a stream of JSON messages, one a line.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetArguments:
    """`mlform get`."""

    update: Annotated[bool, Flag("Fetch every module anew and pin what is there now.")] = False
    lockfile: LockMode = ""
    var: Variables = ()
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulesArguments:
    """`mlform modules`."""

    json: AsJson = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateArguments:
    """`mlform validate`."""

    json: AsJson = False
    test_directory: Annotated[
        str,
        Flag('Look for tests in this folder besides the configuration (default "tests").', "DIR"),
    ] = "tests"
    no_tests: Annotated[bool, Flag("Do not check files of tests.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatArguments:
    """`mlform fmt`."""

    target: Annotated[
        tuple[str, ...],
        Operand("TARGET", "Files and folders, or - for standard input; without any, this folder."),
    ] = ()
    list: Annotated[bool, Flag("Do not list the files whose form changes.")] = True
    write: Annotated[bool, Flag("Do not write to the files.")] = True
    diff: Annotated[bool, Flag("Show what changes.")] = False
    check: Annotated[
        bool, Flag("Write nothing, and exit with 3 if the form of a file would change.")
    ] = False
    recursive: Annotated[bool, Flag("Also take the files in all folders below.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshArguments:
    """`mlform refresh`, and what plan, apply and destroy share with it."""

    target: Annotated[
        tuple[str, ...], Flag("Limit the plan to this object and what it depends on.", "ADDRESS")
    ] = ()
    exclude: Annotated[
        tuple[str, ...],
        Flag("Leave this object out of the plan, and what depends on it.", "ADDRESS"),
    ] = ()
    var: Variables = ()
    lockfile: LockMode = ""
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"
    parallelism: Parallelism = 10
    compact_warnings: Annotated[bool, Flag("Show the first line of each warning only.")] = False
    input: Input = None
    json: Annotated[bool, Flag("Print a stream of JSON messages, one a line.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningArguments(RefreshArguments):
    """What plan, apply and destroy share."""

    refresh: Annotated[
        bool, Flag("Trust the state instead of looking at what is really there.")
    ] = True
    replace: Annotated[
        tuple[str, ...], Flag("Replace or rebuild this object although nothing changed.", "ADDRESS")
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanArguments(PlanningArguments):
    """`mlform plan`."""

    out: Annotated[str, Flag('Save the plan to a file, for "mlform apply".', "PATH")] = ""
    generate_config_out: Annotated[
        str,
        Flag(
            "Write resource blocks for imports that have none to a new file and use them.", "PATH"
        ),
    ] = ""
    markdown: Annotated[
        bool, Flag("Print the plan as Markdown, for a comment on a pull request.")
    ] = False
    destroy: Annotated[bool, Flag("Plan to destroy everything.")] = False
    refresh_only: RefreshOnly = False
    detailed_exitcode: Annotated[
        bool, Flag("Exit with 0 if nothing is to do, 1 on errors, 2 if there are changes.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyArguments(PlanningArguments):
    """`mlform apply`."""

    plan: Annotated[str, Operand("PLAN", "A plan saved with plan -out: apply does just that.")] = ""
    destroy: Annotated[bool, Flag("Destroy everything, as mlform destroy does.")] = False
    refresh_only: RefreshOnly = False
    auto_approve: Annotated[bool, Flag("Do not ask before doing it.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyArguments(PlanningArguments):
    """`mlform destroy`."""

    auto_approve: Annotated[bool, Flag("Do not ask before doing it.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowArguments:
    """`mlform show`."""

    plan: Annotated[
        str, Operand("PATH", "A saved plan or state; without it the state is shown.")
    ] = ""
    json: AsJson = False
    markdown: Annotated[
        bool, Flag("Print the plan as Markdown, for a comment on a pull request.")
    ] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputArguments:
    """`mlform output`."""

    name: Annotated[str, Operand("NAME", "One output; without it all are shown.")] = ""
    json: AsJson = False
    raw: Annotated[bool, Flag("Print a string, number or bool as it is, without quotes.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphArguments:
    """`mlform graph`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateListArguments:
    """`mlform state list`."""

    address: Annotated[
        tuple[str, ...], Operand("ADDRESS", "Show these objects and modules only.")
    ] = ()
    id: Annotated[str, Flag('Show only objects whose attribute "id" has this value.', "ID")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateShowArguments:
    """`mlform state show`."""

    address: Annotated[str, Operand("ADDRESS", "The object.")]
    json: AsJson = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRemoveArguments:
    """`mlform state rm`."""

    address: Annotated[tuple[str, ...], Operand("ADDRESS", "The objects to forget.")]
    dry_run: Annotated[bool, Flag("Only say what would be forgotten.")] = False
    backup: Backup = ""
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaintArguments:
    """`mlform taint` and `mlform untaint`."""

    address: Annotated[str, Operand("ADDRESS", "The object.")]
    allow_missing: Annotated[bool, Flag("Only warn if there is no such object in the state.")] = (
        False
    )
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMoveArguments:
    """`mlform state mv`."""

    source: Annotated[str, Operand("SOURCE", "A resource, a module, or an instance of one.")]
    destination: Annotated[str, Operand("DESTINATION", "What it is to be called.")]
    dry_run: Annotated[bool, Flag("Only say what would be moved.")] = False
    backup: Backup = ""
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePullArguments:
    """`mlform state pull`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePushArguments:
    """`mlform state push`."""

    path: Annotated[str, Operand("PATH", "File of the state; - is standard input.")]
    force: Annotated[
        bool, Flag("Write it even if lineages don't match or the stored serial is higher.")
    ] = False
    backup: Backup = ""
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateHistoryArguments:
    """`mlform state history`."""

    address: Annotated[
        tuple[str, ...], Operand("ADDRESS", "These objects and modules only; without any, all.")
    ] = ()
    since: Annotated[str, Flag("Only what happened from then on.", "TIME")] = ""
    until: Annotated[str, Flag("Only what happened up to then.", "TIME")] = ""
    at: Annotated[str, Flag("Show what there was at that time instead.", "TIME")] = ""
    json: AsJson = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceUnlockArguments:
    """`mlform force-unlock`."""

    lock_id: Annotated[str, Operand("LOCK_ID", "Of the lock, as the refusal names it.")]
    force: Annotated[bool, Flag("Don't ask for confirmation.")] = False
    input: Input = None
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportArguments:
    """`mlform import`."""

    address: Annotated[str, Operand("ADDRESS", "Where the configuration declares it.")]
    id: Annotated[str, Operand("ID", "What the object is known as in the world.")]
    var: Variables = ()
    lockfile: LockMode = ""
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"
    input: Input = None
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceListArguments:
    """`mlform workspace list`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceShowArguments:
    """`mlform workspace show`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceNewArguments:
    """`mlform workspace new`."""

    name: Annotated[str, Operand("NAME", "Of the new workspace.")]
    state: Annotated[str, Flag("Copy this state into the new workspace.", "PATH")] = ""
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSelectArguments:
    """`mlform workspace select`."""

    name: Annotated[str, Operand("NAME", "Of the workspace to use from now on.")]
    or_create: Annotated[bool, Flag("Make the workspace if it does not exist.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceDeleteArguments:
    """`mlform workspace delete`."""

    name: Annotated[str, Operand("NAME", "Of the workspace to remove.")]
    force: Annotated[
        bool, Flag("Remove it even if its state holds objects; they are no longer managed then.")
    ] = False
    lock: Lock = True
    lock_timeout: LockTimeout = "0s"
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleArguments:
    """`mlform console`."""

    plan: Annotated[
        bool, Flag("Make a plan, and take resources as it would make them, not as they are now.")
    ] = False
    var: Variables = ()
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaArguments:
    """`mlform schema`."""

    kind: Annotated[str, Operand("KIND", "One kind of resource; without it all there is.")] = ""
    json: AsJson = False
    markdown: Annotated[bool, Flag("Print the reference as Markdown.")] = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsArguments:
    """`mlform logs`."""

    address: Annotated[str, Operand("ADDRESS", "The object.")]
    attempt: Annotated[
        int, Flag("Of this attempt, by its number; without it the last one.", "N")
    ] = 0
    list: Annotated[bool, Flag("List the attempts that have a log instead.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictArguments:
    """`mlform predict`."""

    address: Annotated[str, Operand("ADDRESS", "An endpoint or a model.")]
    row: Annotated[tuple[str, ...], Flag("A row as a JSON object. May be repeated.", "JSON")] = ()
    file: Annotated[
        str, Flag("Rows in a .json, .jsonl or .csv file; - is standard input (JSON).", "PATH")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyArguments:
    """`mlform verify`."""

    address: Annotated[
        tuple[str, ...], Operand("ADDRESS", "The objects to make again; without any, all.")
    ] = ()
    json: AsJson = False
    no_color: NoColor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeBuildArguments:
    """`mlform runtime build`."""

    base: Annotated[str, Flag("The image to build on; it holds Python 3.11 or later.", "IMAGE")] = (
        ""
    )
    tag: Annotated[str, Flag("Name of the new image.", "NAME")] = "mlform-runtime:latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestArguments:
    """`mlform test`."""

    filter: Annotated[
        tuple[str, ...], Flag("Run this file of tests only. May be given several times.", "FILE")
    ] = ()
    test_directory: Annotated[
        str,
        Flag('Look for tests in this folder besides the configuration (default "tests").', "DIR"),
    ] = "tests"
    var: Variables = ()
    verbose: Annotated[bool, Flag("Show the plan or state of each run.")] = False
    junit_xml: Annotated[str, Flag("Write the outcome as JUnit XML, too.", "FILE")] = ""
    parallelism: Parallelism = 10
    json: Annotated[bool, Flag("Print a stream of JSON messages, one a line.")] = False
    no_color: NoColor = False
