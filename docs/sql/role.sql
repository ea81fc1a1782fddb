-- The role of Airflow connection ses_bounces_postgres, and the schema that it owns: it makes and drops a table for each
-- day of messages, so it must own them. Elsewhere in the database it gets nothing; people.sql has the people table.
--
--   export ROLE_PASSWORD=…
--   psql --dbname app --file role.sql
--   psql --dbname app --set role=bounces --file role.sql
--
-- Run it as an administrator of the database, again whenever you like; the password becomes that of the environment.
-- Then `ses-bounces db upgrade` as the role.
\set ON_ERROR_STOP on
\getenv password ROLE_PASSWORD
\if :{?password} \else
DO $$BEGIN RAISE 'ROLE_PASSWORD is not set in the environment.'; END$$;
\endif
\if :{?role} \else \set role ses_bounces \endif
\set database :DBNAME

SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password' NOCREATEDB NOCREATEROLE;

-- Temporary tables hold what one transaction works on.
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"role";

-- An administrator who is no superuser must belong to a role to give it something.
GRANT :"role" TO CURRENT_USER;
SELECT format('CREATE SCHEMA ses_bounces AUTHORIZATION %I', :'role')
WHERE to_regnamespace('ses_bounces') IS NULL \gexec
REVOKE :"role" FROM CURRENT_USER;
