module sagebridge.io/e2e/node/pause

go 1.25.0
