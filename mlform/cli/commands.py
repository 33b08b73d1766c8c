"""The commands by name. Importing this is light; a command's module is loaded when it runs."""

from __future__ import annotations

from typing import Final


class Command:
    """One command; a plain class, because every start of mlform makes all of them.

    Attributes:
        name: One word or two.
        arguments: Name of its struct in `mlform.cli.arguments`.
        module: Under `mlform.cli`; its `run(arguments, session)` returns the exit status.
        summary: One line for the list of commands.
        description: For its own help.
    """

    __slots__ = ("arguments", "description", "module", "name", "summary")

    def __init__(
        self, name: str, arguments: str, module: str, summary: str, description: str
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.module = module
        self.summary = summary
        self.description = description


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "init",
        "InitArguments",
        "init",
        "Prepare the working folder, its modules and images",
        "Fetches the modules that the configuration calls, checks it, opens the backend of the "
        "state and pins modules by their commit or digest, and the image of every runtime by its "
        "digest, in .mlform.lock.hcl. Safe to run again at any time.",
    ),
    Command(
        "get",
        "GetArguments",
        "get",
        "Fetch the modules that the configuration calls",
        "Fetches modules from git repositories and archives into .mlform/modules, those that "
        "modules call as well, and pins them by commit or digest in .mlform.lock.hcl. What is "
        "pinned is fetched as it was.",
    ),
    Command(
        "modules",
        "ModulesArguments",
        "modules",
        "List the modules that the configuration calls",
        "Lists every module with its source, the folder it is in and what it is pinned to.",
    ),
    Command(
        "validate",
        "ValidateArguments",
        "validate",
        "Check whether the configuration is valid",
        "Reads the configuration and reports every problem in it. Looks at neither state nor data.",
    ),
    Command(
        "fmt",
        "FormatArguments",
        "fmt",
        "Bring configuration files into canonical form",
        "Rewrites files in the form that terraform fmt gives: indentation, spaces, and what stands "
        "below each other. Of a folder, by default this one, it takes the files that end in "
        ".mlf.hcl, .mlfvars.hcl and .mlftest.hcl. A file with syntax errors is left alone.",
    ),
    Command(
        "plan",
        "PlanArguments",
        "plan",
        "Show what would change, and why",
        "Compares the configuration with the state and with what is really there, and shows what "
        "apply would do: what would run, because of which change, what can be reused, and how "
        "long it took last time. Changes nothing.",
    ),
    Command(
        "apply",
        "ApplyArguments",
        "apply",
        "Make data, models and endpoints match the configuration",
        "Plans, asks for approval and carries the plan out. With a saved plan it does just what "
        "that says, without asking, and refuses if anything moved since.",
    ),
    Command(
        "destroy",
        "DestroyArguments",
        "destroy",
        "Destroy everything in the state",
        "Plans to destroy every object in the state, asks for approval and does it. Stored "
        "artifacts stay in the store.",
    ),
    Command(
        "refresh",
        "RefreshArguments",
        "refresh",
        "Take what changed outside of mlform into the state",
        "Looks at every server and for every artifact in the state, and records what is gone or "
        "changed, without asking: the same as apply -refresh-only -auto-approve. To see it first, "
        "run plan -refresh-only.",
    ),
    Command(
        "show",
        "ShowArguments",
        "show",
        "Show the state or a saved plan",
        "Shows a saved plan, a state in a file, or the state in use where none is given.",
    ),
    Command(
        "output",
        "OutputArguments",
        "output",
        "Show output values",
        "Shows the output values in the state: all of them, or one.",
    ),
    Command(
        "graph",
        "GraphArguments",
        "graph",
        "Print the dependency graph for Graphviz",
        "Prints what depends on what, in Graphviz' DOT language.",
    ),
    Command(
        "console",
        "ConsoleArguments",
        "console",
        "Try expressions",
        "Reads expressions and prints their values, with the variables, locals and resources of "
        "the configuration and the state. Expressions can also be piped in.",
    ),
    Command(
        "schema",
        "SchemaArguments",
        "schema",
        "Show what kinds of resources take and give",
        "Lists the kinds of resources with their arguments, blocks and attributes, or shows one of "
        "them. As JSON it also has runtimes, backends, key providers and the functions of the "
        "language.",
    ),
    Command(
        "logs",
        "LogsArguments",
        "logs",
        "Show the log of a training run or of a server",
        "Prints what the last attempt at an object wrote, or what a running endpoint prints. The "
        "logs of the last 20 attempts are kept.",
    ),
    Command(
        "predict",
        "PredictArguments",
        "predict",
        "Score rows by an applied model",
        "Sends rows to an endpoint, or scores them by a model in its runtime, and prints the "
        "predictions as JSON. Rows come from -row, -file or standard input. In a CSV file a "
        "number stands for a number and an empty cell for a missing value.",
    ),
    Command(
        "verify",
        "VerifyArguments",
        "verify",
        "Make objects again and compare them to the byte",
        "Runs the task of each object again, in the same environment, and compares the digest of "
        "the result with the one in the state.",
    ),
    Command(
        "test",
        "TestArguments",
        "test",
        "Run the tests of the configuration",
        "Carries out the run blocks of *.mlftest.hcl in the working folder and in tests, checks "
        "what they assert, and destroys what they made. State and artifacts of tests are kept "
        "apart from those of the project, so nothing of it changes.",
    ),
    Command(
        "taint",
        "TaintArguments",
        "taint",
        "Mark an object to be made anew",
        "Marks an object in the state as tainted: the next apply replaces it, or makes its "
        "artifact again. plan -replace shows the same without touching the state.",
    ),
    Command(
        "untaint",
        "TaintArguments",
        "untaint",
        "Take the mark of a tainted object away",
        "Takes the mark away with which taint, a creation that did not finish or a refresh made "
        "the next apply replace an object.",
    ),
    Command(
        "state list",
        "StateListArguments",
        "state_list",
        "List the objects in the state",
        "Prints the address of every object in the state, one a line.",
    ),
    Command(
        "state show",
        "StateShowArguments",
        "state_show",
        "Show one object in the state",
        "Prints the attributes of one object.",
    ),
    Command(
        "state rm",
        "StateRemoveArguments",
        "state_rm",
        "Forget objects without destroying them",
        "Removes objects from the state. They go on existing, but mlform no longer knows of them.",
    ),
    Command(
        "state mv",
        "StateMoveArguments",
        "state_mv",
        "Call objects differently",
        "Moves a resource, a module or an instance of one to another address in the state: into a "
        "module or out of it, into count or for_each or out of them. What refers to it follows. "
        'A "moved" block does the same for everybody who applies the configuration.',
    ),
    Command(
        "state pull",
        "StatePullArguments",
        "state_pull",
        "Print the state as JSON",
        "Prints the state of the workspace, in the current version of its format and not "
        "encrypted, with its sensitive values.",
    ),
    Command(
        "state push",
        "StatePushArguments",
        "state_push",
        "Make a file the state",
        "Checks the document wholly and makes it the state of the workspace. A state of another "
        "lineage, an older one, or a different one of the same serial is refused without -force.",
    ),
    Command(
        "state history",
        "StateHistoryArguments",
        "state_history",
        "Show what was applied to objects, and when",
        "Prints for each address what was applied when, by whom and by which command, how long it "
        "took and with which recipe, artifact, image and URL. -at shows the objects as they were "
        "at that time, sensitive values hidden. TIME is a date (2026-11-24), a time "
        "(2026-11-24T15:00:00Z; UTC where no zone is given) or how long ago it was (7d, 12h).",
    ),
    Command(
        "import",
        "ImportArguments",
        "import_object",
        "Take an existing object into the state",
        "Takes an object that exists into the state, at the address of a resource block that is "
        'there. An "import" block does the same with a plan that can be read before.',
    ),
    Command(
        "force-unlock",
        "ForceUnlockArguments",
        "force_unlock",
        "Release the lock of the state",
        "Takes the lock of the workspace's state from whoever holds it. Nothing else changes. Do "
        "it only for a run that is over and could not give it back.",
    ),
    Command(
        "workspace list",
        "WorkspaceListArguments",
        "workspace_list",
        "List the workspaces",
        "Prints the names of the workspaces, with a star at the one in use.",
    ),
    Command(
        "workspace show",
        "WorkspaceShowArguments",
        "workspace_show",
        "Show the name of the current workspace",
        "Prints the name of the workspace in use: what MLF_WORKSPACE says, or else the one that "
        "was selected last, or else default.",
    ),
    Command(
        "workspace new",
        "WorkspaceNewArguments",
        "workspace_new",
        "Create a new workspace",
        "Makes a workspace with a state of its own and uses it from now on.",
    ),
    Command(
        "workspace select",
        "WorkspaceSelectArguments",
        "workspace_select",
        "Select a workspace",
        "Uses another workspace from now on.",
    ),
    Command(
        "workspace delete",
        "WorkspaceDeleteArguments",
        "workspace_delete",
        "Delete a workspace",
        "Removes a workspace with its state and its history. The one in use and the default one "
        "stay.",
    ),
    Command(
        "runtime build",
        "RuntimeBuildArguments",
        "runtime_build",
        "Build the image that tasks run in",
        "Builds a runtime image from this mlform and its locked dependencies on a base image, and "
        "prints how to name it in a runtime block.",
    ),
    Command(
        "version",
        "VersionArguments",
        "version",
        "Show the version of mlform",
        "Prints the version of mlform and the platform it runs on.",
    ),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
FIRST: Final = ("init", "validate", "plan", "apply", "destroy")
"""The main commands, in the order of the work."""
