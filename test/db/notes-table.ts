/** A tenant's table as an application would make it, and what protects it. */
export const CREATE_NOTES = `CREATE TABLE notes (
    tenant_id UUID NOT NULL, text TEXT NOT NULL, PRIMARY KEY (tenant_id, text));
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
  CREATE POLICY notes_own ON notes FOR ALL TO sallyport_app
    USING (tenant_id = (SELECT sallyport.current_tenant()))
    WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()));
  GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO sallyport_app`;
