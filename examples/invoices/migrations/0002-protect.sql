-- Written by: sallyport protect customers invoices invoice_lines payments --read invoices:read
-- --write invoices:write
-- For PostgreSQL. Read it, then run it as the login of DATABASE_URL, up to the first error:
--   psql --set ON_ERROR_STOP=1 --file FILE "$DATABASE_URL"
-- Each statement stands for itself, needs no transaction and may run again. Until the last one
-- has run, sallyport_app sees less than it should, never more.

-- public.customers: whose row it is.
ALTER TABLE public.customers ADD COLUMN IF NOT EXISTS tenant_id UUID;

-- public.customers: from here on sallyport_app sees the rows of its own tenant only, and those
-- without one not at all.
ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;

-- public.customers: who may SELECT, and which rows.
DROP POLICY IF EXISTS tenant_select ON public.customers;
CREATE POLICY tenant_select ON public.customers FOR SELECT TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:read')));

-- public.customers: who may INSERT, and which rows.
DROP POLICY IF EXISTS tenant_insert ON public.customers;
CREATE POLICY tenant_insert ON public.customers FOR INSERT TO sallyport_app
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.customers: who may UPDATE, and which rows.
DROP POLICY IF EXISTS tenant_update ON public.customers;
CREATE POLICY tenant_update ON public.customers FOR UPDATE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.customers: who may DELETE, and which rows.
DROP POLICY IF EXISTS tenant_delete ON public.customers;
CREATE POLICY tenant_delete ON public.customers FOR DELETE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.invoices: whose row it is.
ALTER TABLE public.invoices ADD COLUMN IF NOT EXISTS tenant_id UUID;

-- public.invoices: from here on sallyport_app sees the rows of its own tenant only, and those
-- without one not at all.
ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY;

-- public.invoices: who may SELECT, and which rows.
DROP POLICY IF EXISTS tenant_select ON public.invoices;
CREATE POLICY tenant_select ON public.invoices FOR SELECT TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:read')));

-- public.invoices: who may INSERT, and which rows.
DROP POLICY IF EXISTS tenant_insert ON public.invoices;
CREATE POLICY tenant_insert ON public.invoices FOR INSERT TO sallyport_app
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.invoices: who may UPDATE, and which rows.
DROP POLICY IF EXISTS tenant_update ON public.invoices;
CREATE POLICY tenant_update ON public.invoices FOR UPDATE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.invoices: who may DELETE, and which rows.
DROP POLICY IF EXISTS tenant_delete ON public.invoices;
CREATE POLICY tenant_delete ON public.invoices FOR DELETE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.invoice_lines: whose row it is.
ALTER TABLE public.invoice_lines ADD COLUMN IF NOT EXISTS tenant_id UUID;

-- public.invoice_lines: from here on sallyport_app sees the rows of its own tenant only, and
-- those without one not at all.
ALTER TABLE public.invoice_lines ENABLE ROW LEVEL SECURITY;

-- public.invoice_lines: who may SELECT, and which rows.
DROP POLICY IF EXISTS tenant_select ON public.invoice_lines;
CREATE POLICY tenant_select ON public.invoice_lines FOR SELECT TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:read')));

-- public.invoice_lines: who may INSERT, and which rows.
DROP POLICY IF EXISTS tenant_insert ON public.invoice_lines;
CREATE POLICY tenant_insert ON public.invoice_lines FOR INSERT TO sallyport_app
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.invoice_lines: who may UPDATE, and which rows.
DROP POLICY IF EXISTS tenant_update ON public.invoice_lines;
CREATE POLICY tenant_update ON public.invoice_lines FOR UPDATE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.invoice_lines: who may DELETE, and which rows.
DROP POLICY IF EXISTS tenant_delete ON public.invoice_lines;
CREATE POLICY tenant_delete ON public.invoice_lines FOR DELETE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.payments: whose row it is.
ALTER TABLE public.payments ADD COLUMN IF NOT EXISTS tenant_id UUID;

-- public.payments: from here on sallyport_app sees the rows of its own tenant only, and those
-- without one not at all.
ALTER TABLE public.payments ENABLE ROW LEVEL SECURITY;

-- public.payments: who may SELECT, and which rows.
DROP POLICY IF EXISTS tenant_select ON public.payments;
CREATE POLICY tenant_select ON public.payments FOR SELECT TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:read')));

-- public.payments: who may INSERT, and which rows.
DROP POLICY IF EXISTS tenant_insert ON public.payments;
CREATE POLICY tenant_insert ON public.payments FOR INSERT TO sallyport_app
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.payments: who may UPDATE, and which rows.
DROP POLICY IF EXISTS tenant_update ON public.payments;
CREATE POLICY tenant_update ON public.payments FOR UPDATE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.payments: who may DELETE, and which rows.
DROP POLICY IF EXISTS tenant_delete ON public.payments;
CREATE POLICY tenant_delete ON public.payments FOR DELETE TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()) AND (SELECT sallyport.has_permission('invoices:write')));

-- public.customers: fails for as long as a row has no tenant.
ALTER TABLE public.customers ALTER COLUMN tenant_id SET NOT NULL;

-- public.invoices: fails for as long as a row has no tenant.
ALTER TABLE public.invoices ALTER COLUMN tenant_id SET NOT NULL;

-- public.invoice_lines: fails for as long as a row has no tenant.
ALTER TABLE public.invoice_lines ALTER COLUMN tenant_id SET NOT NULL;

-- public.payments: fails for as long as a row has no tenant.
ALTER TABLE public.payments ALTER COLUMN tenant_id SET NOT NULL;

-- public.invoice_lines: comes back below, with the tenant in it.
ALTER TABLE public.invoice_lines DROP CONSTRAINT IF EXISTS invoice_lines_invoice_id_fkey;

-- public.invoices: comes back below, with the tenant in it.
ALTER TABLE public.invoices DROP CONSTRAINT IF EXISTS invoices_customer_id_fkey;

-- public.payments: comes back below, with the tenant in it.
ALTER TABLE public.payments DROP CONSTRAINT IF EXISTS payments_invoice_id_fkey;

-- public.customers: the same id in two tenants is two rows.
ALTER TABLE public.customers DROP CONSTRAINT customers_pkey,
  ADD CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, id);

-- public.invoices: the same id in two tenants is two rows.
ALTER TABLE public.invoices DROP CONSTRAINT invoices_pkey,
  ADD CONSTRAINT invoices_pkey PRIMARY KEY (tenant_id, id);

-- public.invoice_lines: the same id in two tenants is two rows.
ALTER TABLE public.invoice_lines DROP CONSTRAINT invoice_lines_pkey,
  ADD CONSTRAINT invoice_lines_pkey PRIMARY KEY (tenant_id, invoice_id, "position");

-- public.payments: the same id in two tenants is two rows.
ALTER TABLE public.payments DROP CONSTRAINT payments_pkey,
  ADD CONSTRAINT payments_pkey PRIMARY KEY (tenant_id, id);

-- public.customers: unique within the tenant.
CREATE UNIQUE INDEX IF NOT EXISTS customers_name_key_per_tenant ON public.customers (tenant_id, name);
ALTER TABLE public.customers DROP CONSTRAINT IF EXISTS customers_name_key;

-- public.invoices: unique within the tenant.
CREATE UNIQUE INDEX IF NOT EXISTS invoices_number_key_per_tenant ON public.invoices (tenant_id, number);
ALTER TABLE public.invoices DROP CONSTRAINT IF EXISTS invoices_number_key;

-- public.customers: no row of a tenant that is not there; a tenant that has rows stays.
ALTER TABLE public.customers DROP CONSTRAINT IF EXISTS customers_tenant;
ALTER TABLE public.customers ADD CONSTRAINT customers_tenant
  FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants (id);

-- public.invoices: no row of a tenant that is not there; a tenant that has rows stays.
ALTER TABLE public.invoices DROP CONSTRAINT IF EXISTS invoices_tenant;
ALTER TABLE public.invoices ADD CONSTRAINT invoices_tenant
  FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants (id);

-- public.invoice_lines: no row of a tenant that is not there; a tenant that has rows stays.
ALTER TABLE public.invoice_lines DROP CONSTRAINT IF EXISTS invoice_lines_tenant;
ALTER TABLE public.invoice_lines ADD CONSTRAINT invoice_lines_tenant
  FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants (id);

-- public.payments: no row of a tenant that is not there; a tenant that has rows stays.
ALTER TABLE public.payments DROP CONSTRAINT IF EXISTS payments_tenant;
ALTER TABLE public.payments ADD CONSTRAINT payments_tenant
  FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants (id);

-- public.invoice_lines: refers to rows of the same tenant only.
ALTER TABLE public.invoice_lines DROP CONSTRAINT IF EXISTS invoice_lines_invoice_id_fkey;
ALTER TABLE public.invoice_lines ADD CONSTRAINT invoice_lines_invoice_id_fkey
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices (tenant_id, id) ON DELETE CASCADE;

-- public.invoices: refers to rows of the same tenant only.
ALTER TABLE public.invoices DROP CONSTRAINT IF EXISTS invoices_customer_id_fkey;
ALTER TABLE public.invoices ADD CONSTRAINT invoices_customer_id_fkey
  FOREIGN KEY (tenant_id, customer_id) REFERENCES public.customers (tenant_id, id);

-- public.payments: refers to rows of the same tenant only.
ALTER TABLE public.payments DROP CONSTRAINT IF EXISTS payments_invoice_id_fkey;
ALTER TABLE public.payments ADD CONSTRAINT payments_invoice_id_fkey
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices (tenant_id, id);

-- public.customers: the policies hold for the table's owner too.
ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- public.customers: exactly these privileges. TRUNCATE, for one, would pass the policies by.
REVOKE ALL ON TABLE public.customers FROM PUBLIC, sallyport_app, sallyport_identity;
GRANT SELECT, INSERT, DELETE ON TABLE public.customers TO sallyport_app;

-- public.customers: no row moves to another tenant. A column that is added later needs this too.
GRANT UPDATE (id, name, email) ON TABLE public.customers TO sallyport_app;

-- public.invoices: the policies hold for the table's owner too.
ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- public.invoices: exactly these privileges. TRUNCATE, for one, would pass the policies by.
REVOKE ALL ON TABLE public.invoices FROM PUBLIC, sallyport_app, sallyport_identity;
GRANT SELECT, INSERT, DELETE ON TABLE public.invoices TO sallyport_app;

-- public.invoices: no row moves to another tenant. A column that is added later needs this too.
GRANT UPDATE (id, number, customer_id, issued_on) ON TABLE public.invoices TO sallyport_app;

-- public.invoice_lines: the policies hold for the table's owner too.
ALTER TABLE public.invoice_lines ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- public.invoice_lines: exactly these privileges. TRUNCATE, for one, would pass the policies by.
REVOKE ALL ON TABLE public.invoice_lines FROM PUBLIC, sallyport_app, sallyport_identity;
GRANT SELECT, INSERT, DELETE ON TABLE public.invoice_lines TO sallyport_app;

-- public.invoice_lines: no row moves to another tenant. A column that is added later needs this
-- too.
GRANT UPDATE (invoice_id, "position", description, quantity, unit_cents) ON TABLE public.invoice_lines TO sallyport_app;

-- public.payments: the policies hold for the table's owner too.
ALTER TABLE public.payments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- public.payments: exactly these privileges. TRUNCATE, for one, would pass the policies by.
REVOKE ALL ON TABLE public.payments FROM PUBLIC, sallyport_app, sallyport_identity;
GRANT SELECT, INSERT, DELETE ON TABLE public.payments TO sallyport_app;

-- public.payments: no row moves to another tenant. A column that is added later needs this too.
GRANT UPDATE (id, invoice_id, paid_on, amount_cents) ON TABLE public.payments TO sallyport_app;
