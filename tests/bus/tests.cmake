herd_test(bus/landmarks herd_landmarks)
