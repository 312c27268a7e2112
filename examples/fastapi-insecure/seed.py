"""Two teams with an administrator and members each. Every password is PASSWORD."""

import asyncio
import os

import asyncpg

from database import SCHEMA
from passwords import hash_password

PASSWORD = "correct horse battery staple"
TEAMS = {
    "Acme": {"ada": "admin", "bob": "member", "carol": "member"},
    "Globex": {"grace": "admin", "heidi": "member"},
}


async def main() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(SCHEMA.read_text())
    for team, members in TEAMS.items():
        team_id = await connection.fetchval(
            "INSERT INTO teams (name) VALUES ($1) RETURNING id", team
        )
        for name, role in members.items():
            await connection.execute(
                """INSERT INTO users (team_id, email, display_name, role, password_hash)
                   VALUES ($1, $2, $3, $4, $5)""",
                team_id,
                f"{name}@{team.lower()}.example",
                name.capitalize(),
                role,
                hash_password(PASSWORD),
            )
        project = await connection.fetchval(
            "INSERT INTO projects (team_id, name, description) VALUES ($1, $2, $3) RETURNING id",
            team_id,
            f"{team} relaunch",
            f"What {team} does next",
        )
        await connection.execute(
            "INSERT INTO notes (team_id, project_id, title, body) VALUES ($1, $2, $3, $4)",
            team_id,
            project,
            f"{team} budget",
            f"Only for people at {team}",
        )
    await connection.close()


asyncio.run(main())
