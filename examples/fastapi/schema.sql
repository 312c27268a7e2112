-- The tables as a tutorial has them; protect.sql makes them the tenants' own. People, teams and
-- sessions are the gateway's.
CREATE TABLE IF NOT EXISTS projects (
  id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS notes (
  id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id INT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  author_id UUID,
  title TEXT NOT NULL,
  body TEXT NOT NULL DEFAULT '',
  archived BOOLEAN NOT NULL DEFAULT false
);
