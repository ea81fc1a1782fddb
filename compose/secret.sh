# For the scripts of the Postgres and Redis images: `secret NAME` prints the file of that name in the folder SECRETS
# (/run/secrets), else the environment variable of its name in upper case.
secret() {
    file="${SECRETS:-/run/secrets}/$1"
    if [ -e "$file" ]; then
        # One that can't be read ends the script: no default takes its place.
        cat "$file"
    else
        printenv "$(printf %s "$1" | tr '[:lower:]' '[:upper:]')"
    fi
}
