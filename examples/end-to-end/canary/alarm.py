"""Makes the alarm that guards an endpoint: it goes off when three requests within a minute have failed in the model.

python alarm.py NAME --endpoint ENDPOINT --variant VARIANT
python alarm.py NAME --delete
"""

import argparse

import boto3

parser = argparse.ArgumentParser(description="Make an alarm, or delete it.")
parser.add_argument("name")
parser.add_argument("--endpoint")
parser.add_argument("--variant")
parser.add_argument("--delete", action="store_true")
options = parser.parse_args()
cloudwatch = boto3.client("cloudwatch")
if options.delete:
    cloudwatch.delete_alarms(AlarmNames=[options.name])
    print(f"{options.name} is deleted")
else:
    cloudwatch.put_metric_alarm(
        AlarmName=options.name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": options.endpoint},
            {"Name": "VariantName", "Value": options.variant},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=3,
        TreatMissingData="notBreaching",
    )
    print(f"{options.name} watches {options.variant} of {options.endpoint}")
