"""Models: whose signals a library is read from, and who is to take over from whom.

A model's row carries its state, and all that it saw hangs on that row. So a change of the model is an
update of two rows, and forgetting a model is the deletion of one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert

from photos_engine.errors import IntegrityFailure, ModelError, ModelNotFound
from photos_engine.store.files import FileRepository
from photos_engine.store.tables import analysis, file, is_present, model


class ModelState(StrEnum):
    """What a model is to a library."""

    ACTIVE = "active"  # everything is read from its signals; there is always just one
    NEXT = "next"  # it takes over when it has seen the library; at most one
    FORMER = "former"  # it was active, and can be again at once
    BEGUN = "begun"  # it has seen some photos; its change was called off


_IN_STATE = select(model.c.name).where(model.c.state == bindparam("state"))


class ModelRepository:
    """The models that have seen, or are to see, a library's photos."""

    def __init__(self, connection: Connection, touch: Callable[[], None]) -> None:
        self._connection = connection
        self._touch = touch

    # --- reading ---

    @property
    def active(self) -> str:
        """The model that everything is read from. Raises: IntegrityFailure where `adopt` was never called."""
        name = self._in_state(ModelState.ACTIVE)
        if name is None:
            raise IntegrityFailure("the library doesn't say which model it is read from")
        return name

    @property
    def is_none_active(self) -> bool:
        """Whether the library is new: no model was ever adopted."""
        return self._in_state(ModelState.ACTIVE) is None

    @property
    def next(self) -> str | None:
        """The model that is to take over; None while no change is under way."""
        return self._in_state(ModelState.NEXT)

    def states(self) -> dict[str, ModelState]:
        """Model -> what it is to the library, by name."""
        rows = self._connection.execute(select(model.c.name, model.c.state).order_by(model.c.name))
        return {name: ModelState(state) for name, state in rows}

    def analysed(self) -> dict[str, int]:
        """Model -> how many present photos it has analysed."""
        is_there = exists().where(file.c.photo_id == analysis.c.photo_id, is_present)
        counted = model.outerjoin(analysis, and_(analysis.c.model_id == model.c.id, is_there))
        statement = select(model.c.name, func.count(analysis.c.photo_id)).select_from(counted).group_by(model.c.id)
        return {name: count for name, count in self._connection.execute(statement)}

    def _in_state(self, state: ModelState) -> str | None:
        name: str | None = self._connection.scalar(_IN_STATE, {"state": state.value})
        return name

    # --- changing ---

    def adopt(self, name: str) -> None:
        """Read a library that has no model yet from this one."""
        if self.is_none_active:
            self._set(name, ModelState.ACTIVE)

    def choose(self, name: str) -> None:
        """Let a model become the active one: now if it ever was, else when it has seen what the active one has."""
        self.call_off()
        state = self.states().get(name)
        if state is ModelState.FORMER:
            self.take_over(name)
        elif state is not ModelState.ACTIVE:
            self._set(name, ModelState.NEXT)
            self.finish(name)

    def call_off(self) -> None:
        """Let no model be the next; what it has seen stays, for another time."""
        self._replace(ModelState.NEXT, ModelState.BEGUN)

    def finish(self, name: str, without: Collection[str] = ()) -> bool:
        """Let the next model take over if it has seen all present photos but those of the files `without`.

        Returns whether it took over. A model that is not, or no longer, the next one never does.
        """
        if name != self.next or FileRepository(self._connection).without_analysis(name) - set(without):
            return False
        self.take_over(name)
        return True

    def take_over(self, name: str) -> None:
        """Read the library from this model from now on; photos that it hasn't seen don't show until it has."""
        if name == self._in_state(ModelState.ACTIVE):
            return
        self._replace(ModelState.ACTIVE, ModelState.FORMER)
        self._set(name, ModelState.ACTIVE)
        self._touch()

    def prune(self, name: str) -> int:
        """Forget all that a model saw; returns in how many photos. Raises: ModelNotFound; ModelError, if active."""
        states = self.states()
        if name not in states:
            raise ModelNotFound(f"no model called {name} has seen this library; {', '.join(states)} has")
        if states[name] is ModelState.ACTIVE:
            raise ModelError(f"the library is read from {name}: let another model take over before it is pruned")
        count = select(func.count()).select_from(analysis.join(model)).where(model.c.name == name)
        photos = int(self._connection.scalar(count) or 0)
        self._connection.execute(delete(model).where(model.c.name == name))
        return photos

    def _set(self, name: str, state: ModelState) -> None:
        statement = insert(model).values(name=name, state=state.value)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"state": statement.excluded.state})
        )

    def _replace(self, old: ModelState, new: ModelState) -> None:
        self._connection.execute(update(model).where(model.c.state == old.value).values(state=new.value))
