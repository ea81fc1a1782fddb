#!/bin/sh
# Two databases, each with a role of its own: Airflow's, and ours, whose role may do what the job does and no more.
# May be repeated at any time; passwords become those of the secrets.
set -eu
here="$(dirname "$0")"
. "$here/secret.sh"
sql="${SQL:-$here/../docs/sql}"
PGPASSWORD="$(secret postgres_password)"
AIRFLOW_ROLE_PASSWORD="$(secret airflow_db_password)"
ROLE_PASSWORD="$(secret ses_bounces_db_password)"
export PGPASSWORD AIRFLOW_ROLE_PASSWORD ROLE_PASSWORD

psql --no-psqlrc --quiet --dbname postgres --set ON_ERROR_STOP=1 <<'SQL'
\getenv password AIRFLOW_ROLE_PASSWORD
SELECT 'CREATE ROLE airflow' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'airflow') \gexec
ALTER ROLE airflow LOGIN PASSWORD :'password';
SELECT 'CREATE DATABASE airflow OWNER airflow' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'airflow') \gexec
SELECT 'CREATE DATABASE ses_bounces' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ses_bounces') \gexec
REVOKE ALL ON DATABASE airflow FROM PUBLIC;
REVOKE ALL ON DATABASE ses_bounces FROM PUBLIC;
SQL
psql --no-psqlrc --quiet --dbname ses_bounces --file "$sql/role.sql"
