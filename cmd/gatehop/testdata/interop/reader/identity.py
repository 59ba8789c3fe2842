# identity.py PROFILE [TIMES]: prints the ARN of the caller that botocore finds: of PROFILE,
# else, if that is empty, of the environment. It asks so many times, with one client, and
# sleeps for $PAUSE (500ms) between two. The endpoint and the region come from the environment.
import os
import sys
import time

try:
    import botocore.session
except ImportError:
    import awscli  # Debian's package brings botocore inside the AWS CLI
    import botocore.session

session = botocore.session.Session(profile=sys.argv[1] or None)
client = session.create_client("sts", region_name=os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL_STS"])
for i in range(int((sys.argv[2:] or ["1"])[0])):
    if i > 0:
        time.sleep(int(os.environ.get("PAUSE", "0ms").removesuffix("ms")) / 1000)
    arn = client.get_caller_identity()["Arn"]
print(arn)
