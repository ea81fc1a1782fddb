"""The Airflow DAG ``ses_bounces_setup`` of each site: ``ses_bounces/dags/setup.py`` of the package."""

from ses_bounces.dags import build_dags

build_dags("ses_bounces_setup")
