"""Projects of a team, and clippings: pages from elsewhere kept as notes."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, HttpUrl

from database import Id, Reading, Writer, Writing
from notes import Note
from outbound import fetch_public_page

router = APIRouter(prefix="/api/projects", tags=["projects"])


class ProjectContent(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=2000)


class Project(ProjectContent):
    id: int


class Clipping(BaseModel):
    url: HttpUrl


# None of the statements below has a tenant in its WHERE: the database adds it.


@router.get("")
async def list_projects(reading: Reading) -> list[Project]:
    async with reading as connection:
        rows = await connection.fetch("SELECT * FROM projects ORDER BY id")
    return [Project(**row) for row in rows]


@router.post("", status_code=201)
async def create_project(body: ProjectContent, writer: Writer, writing: Writing) -> Project:
    async with writing as connection:
        row = await connection.fetchrow(
            "INSERT INTO projects (tenant_id, name, description) VALUES ($1, $2, $3) RETURNING *",
            writer.tenant_id,
            body.name,
            body.description,
        )
    return Project(**row)


@router.get("/{project_id}")
async def read_project(project_id: Id, reading: Reading) -> Project:
    async with reading as connection:
        row = await connection.fetchrow("SELECT * FROM projects WHERE id = $1", project_id)
    if row is None:
        raise HTTPException(404, "No such project")
    return Project(**row)


@router.put("/{project_id}")
async def replace_project(project_id: Id, body: ProjectContent, writing: Writing) -> Project:
    async with writing as connection:
        row = await connection.fetchrow(
            "UPDATE projects SET name = $2, description = $3 WHERE id = $1 RETURNING *",
            project_id,
            body.name,
            body.description,
        )
    if row is None:
        raise HTTPException(404, "No such project")
    return Project(**row)


@router.delete("/{project_id}", status_code=204)
async def delete_project(project_id: Id, writing: Writing) -> None:
    async with writing as connection:
        deleted = await connection.fetchval(
            "DELETE FROM projects WHERE id = $1 RETURNING id", project_id
        )
    if deleted is None:
        raise HTTPException(404, "No such project")


@router.post("/{project_id}/clippings", status_code=201)
async def clip_page(project_id: Id, body: Clipping, writer: Writer, writing: Writing) -> Note:
    # Before the transaction: no connection of the pool waits for somebody else's server.
    text = await fetch_public_page(body.url)
    async with writing as connection:
        row = await connection.fetchrow(
            """INSERT INTO notes (tenant_id, project_id, author_id, title, body)
               SELECT $1, p.id, $3, $4, $5 FROM projects AS p WHERE p.id = $2 RETURNING *""",
            writer.tenant_id,
            project_id,
            writer.identity_id,
            str(body.url)[:200],
            text[:20_000],
        )
    if row is None:
        raise HTTPException(404, "No such project")
    return Note(**row)
