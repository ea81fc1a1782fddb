-- What the job may do with the people table: read three columns (and xmin, which tells whether somebody else touched a
-- row since), write one. Names as in the settings people_table and people_…_column.
--
--   psql --dbname app --file people.sql
--   psql --dbname app --set schema=crm --set table=contact --set id=contact_id --set flag=mailable --file people.sql
--
-- Run it as the table's owner.
\set ON_ERROR_STOP on
\if :{?role} \else \set role ses_bounces \endif
\if :{?schema} \else \set schema public \endif
\if :{?table} \else \set table people \endif
\if :{?id} \else \set id id \endif
\if :{?email} \else \set email email \endif
\if :{?flag} \else \set flag allow_group_email \endif

GRANT USAGE ON SCHEMA :"schema" TO :"role";
GRANT SELECT (:"id", :"email", :"flag", xmin), UPDATE (:"flag") ON :"schema".:"table" TO :"role";
