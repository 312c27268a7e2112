-- Written by: sallyport protect projects notes --read notes:read --write notes:write
-- For PostgreSQL. Read it, then run it as the login of DATABASE_URL, up to the first error:
--   psql --set ON_ERROR_STOP=1 --file FILE "$DATABASE_URL"
-- Each statement stands for itself, needs no transaction and may run again. Until the last one
-- has run, sallyport_app sees less than it should, never more.

-- public.projects: whose row it is.
ALTER TABLE public.projects ADD COLUMN IF NOT EXISTS tenant_id UUID;

-- public.projects: from here on sallyport_app sees the rows of its own tenant only, and those
-- without one not at all.
ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;

-- public.projects: who may SELECT, and which rows.
DROP POLICY IF EXISTS tenant_select ON public.projects;
CREATE POLICY tenant_select ON public.projects FOR SELECT TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:read')));

-- public.projects: who may INSERT, and which rows.
DROP POLICY IF EXISTS tenant_insert ON public.projects;
CREATE POLICY tenant_insert ON public.projects FOR INSERT TO sallyport_app
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')));

-- public.projects: who may UPDATE, and which rows.
DROP POLICY IF EXISTS tenant_update ON public.projects;
CREATE POLICY tenant_update ON public.projects FOR UPDATE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')));

-- public.projects: who may DELETE, and which rows.
DROP POLICY IF EXISTS tenant_delete ON public.projects;
CREATE POLICY tenant_delete ON public.projects FOR DELETE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')));

-- public.notes: whose row it is.
ALTER TABLE public.notes ADD COLUMN IF NOT EXISTS tenant_id UUID;

-- public.notes: from here on sallyport_app sees the rows of its own tenant only, and those
-- without one not at all.
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;

-- public.notes: who may SELECT, and which rows.
DROP POLICY IF EXISTS tenant_select ON public.notes;
CREATE POLICY tenant_select ON public.notes FOR SELECT TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:read')));

-- public.notes: who may INSERT, and which rows.
DROP POLICY IF EXISTS tenant_insert ON public.notes;
CREATE POLICY tenant_insert ON public.notes FOR INSERT TO sallyport_app
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')));

-- public.notes: who may UPDATE, and which rows.
DROP POLICY IF EXISTS tenant_update ON public.notes;
CREATE POLICY tenant_update ON public.notes FOR UPDATE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')));

-- public.notes: who may DELETE, and which rows.
DROP POLICY IF EXISTS tenant_delete ON public.notes;
CREATE POLICY tenant_delete ON public.notes FOR DELETE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('notes:write')));

-- public.projects: fails for as long as a row has no tenant.
ALTER TABLE public.projects ALTER COLUMN tenant_id SET NOT NULL;

-- public.notes: fails for as long as a row has no tenant.
ALTER TABLE public.notes ALTER COLUMN tenant_id SET NOT NULL;

-- public.notes: comes back below, with the tenant in it.
ALTER TABLE public.notes DROP CONSTRAINT IF EXISTS notes_project_id_fkey;

-- public.projects: the same id in two tenants is two rows.
ALTER TABLE public.projects DROP CONSTRAINT projects_pkey,
  ADD CONSTRAINT projects_pkey PRIMARY KEY (tenant_id, id);

-- public.notes: the same id in two tenants is two rows.
ALTER TABLE public.notes DROP CONSTRAINT notes_pkey,
  ADD CONSTRAINT notes_pkey PRIMARY KEY (tenant_id, id);

-- public.projects: no row of a tenant that is not there; a tenant that has rows stays.
ALTER TABLE public.projects DROP CONSTRAINT IF EXISTS projects_tenant;
ALTER TABLE public.projects ADD CONSTRAINT projects_tenant
  FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants (id);

-- public.notes: no row of a tenant that is not there; a tenant that has rows stays.
ALTER TABLE public.notes DROP CONSTRAINT IF EXISTS notes_tenant;
ALTER TABLE public.notes ADD CONSTRAINT notes_tenant
  FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants (id);

-- public.notes: refers to rows of the same tenant only.
ALTER TABLE public.notes DROP CONSTRAINT IF EXISTS notes_project_id_fkey;
ALTER TABLE public.notes ADD CONSTRAINT notes_project_id_fkey
  FOREIGN KEY (tenant_id, project_id) REFERENCES public.projects (tenant_id, id) ON DELETE CASCADE;

-- public.projects: the policies hold for the table's owner too.
ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- public.projects: exactly these privileges. TRUNCATE, for one, would pass the policies by.
REVOKE ALL ON TABLE public.projects FROM PUBLIC, sallyport_app, sallyport_identity;
GRANT SELECT, INSERT, DELETE ON TABLE public.projects TO sallyport_app;

-- public.projects: no row moves to another tenant. A column that is added later needs this too.
GRANT UPDATE (id, name, description) ON TABLE public.projects TO sallyport_app;

-- public.notes: the policies hold for the table's owner too.
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- public.notes: exactly these privileges. TRUNCATE, for one, would pass the policies by.
REVOKE ALL ON TABLE public.notes FROM PUBLIC, sallyport_app, sallyport_identity;
GRANT SELECT, INSERT, DELETE ON TABLE public.notes TO sallyport_app;

-- public.notes: no row moves to another tenant. A column that is added later needs this too.
GRANT UPDATE (id, project_id, author_id, title, body, archived) ON TABLE public.notes TO sallyport_app;
