-- Plain tables, as if there were one tenant. 0002 makes them the tenants' own: what is unique here
-- is unique in each tenant then. Money is in cents, whole numbers.
CREATE TABLE IF NOT EXISTS customers (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  name TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS invoices (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  number TEXT NOT NULL UNIQUE,
  customer_id UUID NOT NULL REFERENCES customers (id),
  issued_on DATE NOT NULL DEFAULT current_date
);
CREATE TABLE IF NOT EXISTS invoice_lines (
  invoice_id UUID NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
  position INT4 NOT NULL CHECK (position > 0),
  description TEXT NOT NULL,
  quantity INT4 NOT NULL CHECK (quantity > 0),
  unit_cents INT4 NOT NULL,
  PRIMARY KEY (invoice_id, position)
);
CREATE TABLE IF NOT EXISTS payments (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  invoice_id UUID NOT NULL REFERENCES invoices (id),
  paid_on DATE NOT NULL DEFAULT current_date,
  amount_cents INT4 NOT NULL CHECK (amount_cents > 0)
);
