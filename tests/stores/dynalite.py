"""dynalite, an implementation of DynamoDB's interface, in memory on 127.0.0.1."""
import json
import secrets

import component
import s3

REGION = "us-east-1"
# How many items DynamoDB takes at once.
BATCH = 25


class Dynalite(component.Component):
    def __init__(self):
        super().__init__()
        self.script = component.node_script("dynalite", "cli.js")
        self.port = component.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.access_key, self.secret_key = "fhx", secrets.token_hex(20)

    def start(self):
        self.spawn("dynalite", "node", self.script, "--host", "127.0.0.1", "--port",
                   str(self.port), "--createTableMs", "0")
        component.wait_until(lambda: component.answers_http(self.port), "dynalite",
                             alive=lambda: self.is_alive("dynalite"))

    def call(self, action, **arguments):
        client = s3.Client(self.endpoint, self.access_key, self.secret_key, region=REGION)
        answer = client.done("POST", "/", body=json.dumps(arguments).encode(), service="dynamodb",
                             headers={"X-Amz-Target": f"DynamoDB_20120810.{action}",
                                      "Content-Type": "application/x-amz-json-1.0"})
        return json.loads(answer.body)

    def create_table(self, table, key, range_key=None):
        keys = [(key, "HASH")] + ([(range_key[0], "RANGE")] if range_key else [])
        kinds = [(key, "S")] + ([range_key] if range_key else [])
        self.call("CreateTable", TableName=table,
                  KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
                  AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind}
                                        for name, kind in kinds],
                  BillingMode="PAY_PER_REQUEST")
        component.wait_until(lambda: self.call("DescribeTable", TableName=table)["Table"]
                             ["TableStatus"] == "ACTIVE", "the table")

    def write(self, table, items):
        """Items as DynamoDB writes them: {"id": {"S": "..."}, ...}."""
        items = list(items)
        for first in range(0, len(items), BATCH):
            requests = [{"PutRequest": {"Item": item}} for item in items[first:first + BATCH]]
            while requests:
                answer = self.call("BatchWriteItem", RequestItems={table: requests})
                requests = answer.get("UnprocessedItems", {}).get(table, [])
