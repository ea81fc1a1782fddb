"""Starts each container of Airflow: the requirements, secrets into its environment, then the command.

    python start.py COMMAND …            what docker-compose.yaml runs
    python start.py --check COMMAND …    without installing anything: for health checks

A secret is the file of its name in the folder SECRETS (/run/secrets), else the environment variable of its name in
upper case. Nothing but the standard library: it runs before anything is installed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

# Where each secret goes as it is.
PLAIN = {
    "airflow_fernet_key": "AIRFLOW__CORE__FERNET_KEY",
    "airflow_jwt_secret": "AIRFLOW__API_AUTH__JWT_SECRET",
    "airflow_secret_key": "AIRFLOW__API__SECRET_KEY",
    "airflow_conn_ses_bounces_aws": "AIRFLOW_CONN_SES_BOUNCES_AWS",
}


def secret(name):
    """Return a secret; a file that is there and can't be read is an error, not a reason for the default."""
    file = Path(os.environ.get("SECRETS", "/run/secrets"), name)
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return os.environ.get(name.upper(), "")
    except PermissionError:
        sys.exit(f"{file} can't be read by user {os.getuid()}: make it readable, or set AIRFLOW_UID to its owner.")


def environment():
    """Return what Airflow is to find in its environment."""
    host, port = os.environ.get("POSTGRES_HOST", "postgres"), os.environ.get("POSTGRES_PORT", "5432")
    airflow = f"airflow:{quote(secret('airflow_db_password'), safe='')}@{host}:{port}/airflow"
    bounces = {
        "conn_type": "postgres", "host": host, "port": int(port), "schema": "ses_bounces",
        "login": "ses_bounces", "password": secret("ses_bounces_db_password"),
    }  # fmt: skip
    made = {variable: secret(name) for name, variable in PLAIN.items()}
    made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"postgresql+psycopg2://{airflow}"
    made["AIRFLOW_CONN_SES_BOUNCES_POSTGRES"] = os.environ.get("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", json.dumps(bounces))
    # Read by CeleryExecutor only.
    broker = quote(secret("redis_password"), safe="")
    made["AIRFLOW__CELERY__BROKER_URL"] = f"redis://:{broker}@{os.environ.get('REDIS_HOST', 'redis')}:6379/0"
    made["AIRFLOW__CELERY__RESULT_BACKEND"] = f"db+postgresql+psycopg2://{airflow}"
    return made


def set_password(password):
    """Let the user admin log in with a password; without one Airflow makes one, and says so in its log."""
    if not password:
        return
    # Where Airflow's SimpleAuthManager looks by default.
    file = Path(os.environ.get("AIRFLOW_HOME", "/opt/airflow"), "simple_auth_manager_passwords.json.generated")
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
        json.dump({"admin": password}, opened)


def main(arguments):
    """Become the command."""
    if arguments[0] == "--check":
        arguments = arguments[1:]
    else:
        # All that is needed beside the image, each file by its hash; nothing else is looked for.
        pins = ["--no-deps", "--require-hashes", "--requirement", str(Path(__file__).with_name("requirements.txt"))]
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", *pins], check=True)
        if arguments[:2] == ["airflow", "api-server"]:
            set_password(secret("airflow_admin_password"))
    os.environ.update(environment())
    os.execvp(arguments[0], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
