# read.py: prints what botocore reads in pairs of AWS files, for gatehop's interoperability tests.
#
# Each line of standard input is {"config": PATH, "credentials": PATH}, each line of standard
# output the answer: the profiles of either file, of both together, and the services blocks.
import json
import sys

try:
    import botocore.session
except ImportError:
    import awscli  # Debian's package brings botocore inside the AWS CLI
    import botocore.session
from botocore.configloader import load_config, raw_config_parse
from botocore.exceptions import ConfigNotFound, ConfigParseError


def flat(profiles):
    """Nested blocks as KEY.NAME."""
    result = {}
    for profile, keys in profiles.items():
        result[profile] = values = {}
        for key, value in keys.items():
            if isinstance(value, dict):
                values.update({key + "." + name: text for name, text in value.items()})
            else:
                values[key] = value
    return result


def attempt(read):
    try:
        return flat(read()), ""
    except ConfigNotFound:
        return {}, ""
    except ConfigParseError as error:
        return {}, str(error)


session = botocore.session.Session()


def both(job):
    session._config = None  # a new session for each pair takes 10 ms
    session.set_config_variable("config_file", job["config"])
    session.set_config_variable("credentials_file", job["credentials"])
    return session.full_config["profiles"]


if sys.argv[1:] == ["--version"]:
    print(botocore.__version__)
    sys.exit()
for line in sys.stdin:
    job = json.loads(line)
    answer = {}
    answer["config"], config = attempt(lambda: load_config(job["config"])["profiles"])
    answer["credentials"], credentials = attempt(lambda: raw_config_parse(job["credentials"]))
    answer["merged"], answer["error"] = attempt(lambda: both(job))
    answer["errors"] = {"config": config, "credentials": credentials}
    print(json.dumps(answer))
