"""Notes in the projects of a team."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from database import Id, Pool
from security import User

router = APIRouter(prefix="/api/notes", tags=["notes"])


class NoteContent(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    body: str = Field(default="", max_length=20_000)


class NewNote(NoteContent):
    project_id: int = Field(ge=1, le=2_147_483_647)


class Note(NoteContent):
    id: int
    project_id: int
    archived: bool


class Status(BaseModel):
    status: str


@router.get("")
async def list_notes(user: User, pool: Pool) -> list[Note]:
    rows = await pool.fetch("SELECT * FROM notes WHERE team_id = $1 ORDER BY id", user.team_id)
    return [Note(**row) for row in rows]


@router.post("", status_code=201)
async def create_note(body: NewNote, user: User, pool: Pool) -> Note:
    row = await pool.fetchrow(
        """INSERT INTO notes (team_id, project_id, author_id, title, body)
           SELECT $1, p.id, $3, $4, $5 FROM projects AS p WHERE p.id = $2 AND p.team_id = $1
           RETURNING *""",
        user.team_id,
        body.project_id,
        user.id,
        body.title,
        body.body,
    )
    if row is None:
        raise HTTPException(404, "No such project")
    return Note(**row)


@router.get("/{note_id}")
async def read_note(note_id: Id, user: User, pool: Pool) -> Note:
    # Hole 7 (CWE-639): no team in the statement.
    row = await pool.fetchrow("SELECT * FROM notes WHERE id = $1", note_id)
    if row is None:
        raise HTTPException(404, "No such note")
    return Note(**row)


@router.patch("/{note_id}")
async def change_note(note_id: Id, body: NoteContent, user: User, pool: Pool) -> Status:
    # Hole 9 (CWE-252): UPDATE 0 is a success like any other.
    await pool.execute(
        "UPDATE notes SET title = $3, body = $4 WHERE id = $1 AND team_id = $2",
        note_id,
        user.team_id,
        body.title,
        body.body,
    )
    return Status(status="updated")


@router.delete("/{note_id}", status_code=204)
async def delete_note(note_id: Id, user: User, pool: Pool) -> None:
    deleted = await pool.fetchval(
        "DELETE FROM notes WHERE id = $1 AND team_id = $2 RETURNING id", note_id, user.team_id
    )
    if deleted is None:
        raise HTTPException(404, "No such note")


# Hole 4 (CWE-650): a link, an image or a prefetch is enough to archive a note.
@router.get("/{note_id}/archive")
async def archive_note(note_id: Id, user: User, pool: Pool) -> Note:
    row = await pool.fetchrow(
        "UPDATE notes SET archived = true WHERE id = $1 AND team_id = $2 RETURNING *",
        note_id,
        user.team_id,
    )
    if row is None:
        raise HTTPException(404, "No such note")
    return Note(**row)
