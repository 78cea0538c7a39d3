"""Images: reading them safely, the MobileNetV2 trunk, its features, the classifier on top."""
