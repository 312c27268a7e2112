"""Notes in the projects of a team."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from database import Id, Reading, Writer, Writing

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


# None of the statements below has a tenant in its WHERE: the database adds it.


@router.get("")
async def list_notes(reading: Reading) -> list[Note]:
    async with reading as connection:
        rows = await connection.fetch("SELECT * FROM notes ORDER BY id")
    return [Note(**row) for row in rows]


@router.post("", status_code=201)
async def create_note(body: NewNote, writer: Writer, writing: Writing) -> Note:
    async with writing as connection:
        row = await connection.fetchrow(
            """INSERT INTO notes (tenant_id, project_id, author_id, title, body)
               SELECT $1, p.id, $3, $4, $5 FROM projects AS p WHERE p.id = $2 RETURNING *""",
            writer.tenant_id,
            body.project_id,
            writer.identity_id,
            body.title,
            body.body,
        )
    if row is None:
        raise HTTPException(404, "No such project")
    return Note(**row)


@router.get("/{note_id}")
async def read_note(note_id: Id, reading: Reading) -> Note:
    async with reading as connection:
        row = await connection.fetchrow("SELECT * FROM notes WHERE id = $1", note_id)
    if row is None:
        raise HTTPException(404, "No such note")
    return Note(**row)


@router.patch("/{note_id}")
async def change_note(note_id: Id, body: NoteContent, writing: Writing) -> Note:
    async with writing as connection:
        row = await connection.fetchrow(
            "UPDATE notes SET title = $2, body = $3 WHERE id = $1 RETURNING *",
            note_id,
            body.title,
            body.body,
        )
    if row is None:
        raise HTTPException(404, "No such note")
    return Note(**row)


@router.delete("/{note_id}", status_code=204)
async def delete_note(note_id: Id, writing: Writing) -> None:
    async with writing as connection:
        deleted = await connection.fetchval("DELETE FROM notes WHERE id = $1 RETURNING id", note_id)
    if deleted is None:
        raise HTTPException(404, "No such note")


@router.post("/{note_id}/archive")
async def archive_note(note_id: Id, writing: Writing) -> Note:
    async with writing as connection:
        row = await connection.fetchrow(
            "UPDATE notes SET archived = true WHERE id = $1 RETURNING *", note_id
        )
    if row is None:
        raise HTTPException(404, "No such note")
    return Note(**row)
