"""Events become decisions: what is charged, asked, refused. Pure; knows no Kafka and no clock."""
