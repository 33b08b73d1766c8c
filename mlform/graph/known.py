"""What is known so far of a configuration, and what expressions can see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlform.addresses import (
    InstanceKey,
    ModulePath,
    ModuleStep,
    ResourceAddress,
    without_keys,
)
from mlform.config.blocks import Config, Module, ModuleCall
from mlform.dataclass import dataclass, field, replace
from mlform.graph.repetition import SINGLE, Repetition
from mlform.lang.construct import object_of, string_value, tuple_of
from mlform.lang.function import Function
from mlform.lang.references import Reference
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL, DYNAMIC
from mlform.lang.values import EPHEMERAL, UNKNOWN_VALUE, Value, null


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every expression can see.

    Attributes:
        variables: Values of the root module's variables.
        functions: By name.
        working_folder: What `path.cwd` gives.
        workspace: What `mlform.workspace` gives.
        applying: What `mlform.applying` gives: whether an apply is under way.
    """

    variables: Mapping[str, Value]
    functions: Mapping[str, Function]
    working_folder: str = "."
    workspace: str = "default"
    applying: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The values of a configuration that were resolved or recorded so far.

    Attributes:
        config: The modules.
        surroundings: Around all expressions.
    """

    config: Config
    surroundings: Surroundings
    _values: dict[tuple[ModulePath, str], dict[str, Value]] = field(default_factory=dict)
    _modules: dict[ModulePath, tuple[ModulePath, ...]] = field(default_factory=lambda: {(): ((),)})
    _calls: dict[ModulePath, Repetition] = field(default_factory=dict)
    _resources: dict[ResourceAddress, Repetition] = field(default_factory=dict)
    _instances: dict[ResourceAddress, dict[InstanceKey, Value | Callable[[], Value]]] = field(
        default_factory=dict
    )
    _assembled: dict[ResourceAddress, Value] = field(default_factory=dict)
    _bases: dict[ModulePath, Scope] = field(default_factory=dict)

    # Remembering

    def expand_call(self, path: ModulePath, repetitions: Mapping[ModulePath, Repetition]) -> None:
        """Remember which instances of a called module there are, by instance of its caller."""
        found: list[ModulePath] = []
        for outer, repetition in repetitions.items():
            self._calls[(*outer, ModuleStep(path[-1].name))] = repetition
            found.extend((*outer, ModuleStep(path[-1].name, key)) for key in repetition.keys)
        self._modules[path] = tuple(found)

    def module_instances(self, module: ModulePath) -> tuple[ModulePath, ...]:
        """Return the instances of a module that are known so far."""
        return self._modules.get(module, ())

    def module_outputs(self) -> tuple[tuple[ModulePath, str], ...]:
        """Return the outputs of instances of modules that were resolved and are not null."""
        return tuple(
            (instance, name)
            for (instance, what), values in self._values.items()
            if what == "output" and instance
            for name, value in values.items()
            if not value.is_null
        )

    def call_repetition(self, instance: ModulePath) -> Repetition:
        """Return the instances of the call that an instance of a module belongs to."""
        return self._calls.get((*instance[:-1], ModuleStep(instance[-1].name)), SINGLE)

    def expand_resource(self, holder: ResourceAddress, repetition: Repetition) -> None:
        """Remember which instances of a block there are, in one instance of its module."""
        self._resources[holder] = repetition

    def resource_repetition(self, address: ResourceAddress) -> Repetition:
        """Return the instances of the block that an instance belongs to."""
        return self._resources.get(_holder(address), SINGLE)

    def remember(self, instance: ModulePath, what: str, name: str, value: Value) -> None:
        """Remember a value of an instance of a module; `what` is `var`, `local` or `output`."""
        self._values.setdefault((instance, what), {})[name] = value
        if what == "var":
            self._bases.pop(instance, None)
        elif what == "output" and instance:
            self._assembled.pop(_module_holder(instance), None)

    def record(self, address: ResourceAddress, value: Value | Callable[[], Value]) -> None:
        """Remember what an instance is, for all that refer to it from now on.

        Args:
            address: Of the instance.
            value: Its value, or what makes it: that is called when something refers to it, once.
        """
        holder = _holder(address)
        self._instances.setdefault(holder, {})[address.key] = value
        self._assembled.pop(holder, None)

    # Looking up

    def instance(self, address: ResourceAddress) -> Value:
        """Return what was recorded of an instance."""
        return _value_of(self._instances[_holder(address)], address.key)

    def scope_for(self, wanted: Iterable[Reference], instance: ModulePath = ()) -> Scope:
        """Return a scope in which these references can be looked up, in an instance of a module."""
        module = self._module(instance)
        base = self._base_scope(instance)
        roots: dict[str, dict[str, Value]] = {}
        for reference in wanted:
            name = reference.steps[0] if reference.steps else None
            if not isinstance(name, str) or reference.root in base.variables:
                continue
            if reference.root == "local":
                known = self._values.get((instance, "local"), {})
                roots.setdefault("local", {})[name] = known.get(name, UNKNOWN_VALUE)
            elif reference.root == "module":
                if name in module.calls:
                    roots.setdefault("module", {})[name] = self._module_value(
                        (*instance, ModuleStep(name))
                    )
            else:
                address = ResourceAddress(reference.root, name, None, module.path)
                if address in module.resources:
                    holder = replace(address, module=instance) if instance else address
                    roots.setdefault(reference.root, {})[name] = self._resource_value(holder)
        if not roots:
            return base
        return base.child({root: object_of(members) for root, members in roots.items()})

    def everything(self, instance: ModulePath = ()) -> Scope:
        """Return a scope with all that is known in an instance of a module, for the console."""
        module = self._module(instance)
        known = self._values.get((instance, "local"), {})
        roots: dict[str, dict[str, Value]] = {
            "local": {name: known.get(name, UNKNOWN_VALUE) for name in module.locals}
        }
        for address in module.resources:
            holder = replace(address, module=instance)
            roots.setdefault(address.kind, {})[address.name] = self._resource_value(holder)
        for name in module.calls:
            value = self._module_value((*instance, ModuleStep(name)))
            roots.setdefault("module", {})[name] = value
        return self._base_scope(instance).child(
            {root: object_of(members) for root, members in roots.items()}
        )

    def _module(self, instance: ModulePath) -> Module:
        if not instance:
            return self.config.root
        return self.config.modules[without_keys(instance)]

    def _base_scope(self, instance: ModulePath) -> Scope:
        known = self._bases.get(instance)
        if known is not None:
            return known
        around = self.surroundings
        module = self._module(instance)
        paths = {
            "module": string_value(module.folder),
            "root": string_value(self.config.root.folder),
            "cwd": string_value(around.working_folder),
        }
        settings = object_of(
            {
                "workspace": string_value(around.workspace),
                "applying": Value(BOOL, around.applying, EPHEMERAL),
            }
        )
        variables = around.variables
        if instance:
            found = self._values.get((instance, "var"), {})
            variables = {name: found.get(name, UNKNOWN_VALUE) for name in module.variables}
        scope = self._bases[instance] = Scope(
            variables={
                "var": object_of(variables),
                "path": object_of(paths),
                "mlform": settings,
                "terraform": settings,
            },
            functions=around.functions,
        )
        return scope

    def _resource_value(self, holder: ResourceAddress) -> Value:
        known = self._assembled.get(holder)
        if known is None:
            if self._resources.get(holder, SINGLE).supposed is not None:
                return UNKNOWN_VALUE
            block = self.config.modules[holder.block.module].resources[holder.block]
            instances = self._instances.get(holder, {})
            known = self._assembled[holder] = self._assemble(
                {key: _value_of(instances, key) for key in instances},
                count=block.count is not None,
                for_each=block.for_each is not None,
                optional=block.lifecycle.enabled is not None,
            )
        return known

    def _module_value(self, path: ModulePath) -> Value:
        """Return the outputs of a called module; `path` leads to it, without key at its end."""
        holder = ResourceAddress("module", path[-1].name, None, path[:-1])
        known = self._assembled.get(holder)
        if known is not None:
            return known
        repetition = self._calls.get(path)
        static = without_keys(path)
        child = self.config.modules.get(static)
        if repetition is None or child is None or repetition.supposed is not None:
            return UNKNOWN_VALUE
        call: ModuleCall = self.config.modules[static[:-1]].calls[static[-1].name]
        instances: dict[InstanceKey, Value] = {}
        for key in repetition.keys:
            found = self._values.get(((*path[:-1], ModuleStep(path[-1].name, key)), "output"), {})
            outputs = {name: found.get(name, UNKNOWN_VALUE) for name in child.outputs}
            instances[key] = object_of(outputs)
        value = self._assembled[holder] = self._assemble(
            instances,
            count=call.count is not None,
            for_each=call.for_each is not None,
            optional=call.enabled is not None,
        )
        return value

    @staticmethod
    def _assemble(
        instances: Mapping[InstanceKey, Value], *, count: bool, for_each: bool, optional: bool
    ) -> Value:
        if count:
            amount = max((key + 1 for key in instances if isinstance(key, int)), default=0)
            return tuple_of([instances.get(key, UNKNOWN_VALUE) for key in range(amount)])
        if for_each:
            return object_of({key: item for key, item in instances.items() if isinstance(key, str)})
        absent = null(DYNAMIC) if optional else UNKNOWN_VALUE
        return instances.get(None, absent)


def _value_of(instances: dict[InstanceKey, Value | Callable[[], Value]], key: InstanceKey) -> Value:
    """Return the value of one instance, made if it was not asked for before."""
    value = instances[key]
    if not isinstance(value, Value):
        value = instances[key] = value()
    return value


def _holder(address: ResourceAddress) -> ResourceAddress:
    """Return the address of a block in one instance of its module."""
    if address.key is None:
        return address
    return ResourceAddress(address.kind, address.name, None, address.module)


def _module_holder(instance: ModulePath) -> ResourceAddress:
    """Return where the value of all instances of a call is kept."""
    return ResourceAddress("module", instance[-1].name, None, instance[:-1])
