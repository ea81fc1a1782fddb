"""The Airflow DAG ``ses_bounces`` of each site: ``ses_bounces/dags/hourly.py`` of the package."""

from ses_bounces.dags import build_dags

build_dags("ses_bounces")
