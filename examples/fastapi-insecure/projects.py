"""Projects of a team, and clippings: pages from elsewhere kept as notes."""

from typing import Annotated

import httpx
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field, HttpUrl

from database import Id, Pool
from notes import Note
from security import User

router = APIRouter(prefix="/api/projects", tags=["projects"])


class ProjectContent(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=2000)


class Project(ProjectContent):
    id: int


class Clipping(BaseModel):
    url: HttpUrl


@router.get("")
async def list_projects(
    user: User, pool: Pool, team_id: Annotated[int | None, Query(ge=1, le=2_147_483_647)] = None
) -> list[Project]:
    # Hole 12 (CWE-566): the team is whichever the caller names.
    team = team_id or user.team_id
    rows = await pool.fetch("SELECT * FROM projects WHERE team_id = $1 ORDER BY id", team)
    return [Project(**row) for row in rows]


@router.post("", status_code=201)
async def create_project(body: ProjectContent, user: User, pool: Pool) -> Project:
    row = await pool.fetchrow(
        "INSERT INTO projects (team_id, name, description) VALUES ($1, $2, $3) RETURNING *",
        user.team_id,
        body.name,
        body.description,
    )
    return Project(**row)


@router.get("/{project_id}")
async def read_project(project_id: Id, user: User, pool: Pool) -> Project:
    row = await pool.fetchrow(
        "SELECT * FROM projects WHERE id = $1 AND team_id = $2", project_id, user.team_id
    )
    if row is None:
        raise HTTPException(404, "No such project")
    return Project(**row)


@router.put("/{project_id}")
async def replace_project(
    project_id: Id, body: ProjectContent, user: User, pool: Pool
) -> Project:
    row = await pool.fetchrow(
        # Hole 8 (CWE-639): no team in the statement.
        "UPDATE projects SET name = $2, description = $3 WHERE id = $1 RETURNING *",
        project_id,
        body.name,
        body.description,
    )
    if row is None:
        raise HTTPException(404, "No such project")
    return Project(**row)


@router.delete("/{project_id}", status_code=204)
async def delete_project(project_id: Id, user: User, pool: Pool) -> None:
    deleted = await pool.fetchval(
        "DELETE FROM projects WHERE id = $1 AND team_id = $2 RETURNING id", project_id, user.team_id
    )
    if deleted is None:
        raise HTTPException(404, "No such project")


@router.post("/{project_id}/clippings", status_code=201)
async def clip_page(project_id: Id, body: Clipping, user: User, pool: Pool) -> Note:
    project = await pool.fetchval(
        "SELECT id FROM projects WHERE id = $1 AND team_id = $2", project_id, user.team_id
    )
    if project is None:
        raise HTTPException(404, "No such project")
    try:
        # Hole 11 (CWE-918): whatever the server can reach, the consoles of its databases too.
        async with httpx.AsyncClient(timeout=5, follow_redirects=True) as client:
            page = await client.get(str(body.url))
    except httpx.HTTPError as error:
        raise HTTPException(422, "This page cannot be read") from error
    row = await pool.fetchrow(
        """INSERT INTO notes (team_id, project_id, author_id, title, body)
           VALUES ($1, $2, $3, $4, $5) RETURNING *""",
        user.team_id,
        project_id,
        user.id,
        str(body.url)[:200],
        page.text[:20_000],
    )
    return Note(**row)
