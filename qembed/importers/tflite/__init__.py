"""Import of TensorFlow Lite (.tflite) files."""
