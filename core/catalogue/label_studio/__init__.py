"""Label Studio's JSON in: tasks become products, annotations become decisions and labels of people here."""
