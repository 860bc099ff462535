module sagebridge.io/e2e/node/trainer

go 1.25.0
