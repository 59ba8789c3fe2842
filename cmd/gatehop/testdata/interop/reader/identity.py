# identity.py PROFILE [TIMES]: prints the ARN of the caller that botocore finds. It asks so
# many times, with one client. The endpoint and the region come from the environment.
import os
import sys

try:
    import botocore.session
except ImportError:
    import awscli  # Debian's package brings botocore inside the AWS CLI
    import botocore.session

session = botocore.session.Session(profile=sys.argv[1])
client = session.create_client("sts", region_name=os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL_STS"])
for _ in range(int((sys.argv[2:] or ["1"])[0])):
    arn = client.get_caller_identity()["Arn"]
print(arn)
