"""Questions with answers that are known, for small models: does sampling make answers worse?"""

import re

PARIS = "What is the capital of France?"

QUESTIONS: dict[str, str] = {
    PARIS: "Paris",
    "What is the capital of Italy?": "Rome",
    "What is the capital of Japan?": "Tokyo",
    "What is the capital of Germany?": "Berlin",
    "What is the capital of Spain?": "Madrid",
    "What is the capital of England?": "London",
    "What is the capital of Egypt?": "Cairo",
    "What is the capital of Russia?": "Moscow",
    "What is 2 + 2?": r"\b(4|four)\b",
    "What is 3 + 4?": r"\b(7|seven)\b",
    "What is 5 times 2?": r"\b(10|ten)\b",
    "How many days are in a week?": r"\b(7|seven)\b",
    "How many months are in a year?": r"\b(12|twelve)\b",
    "How many legs does a spider have?": r"\b(8|eight)\b",
    "How many hours are in a day?": r"\b(24|twenty-four)\b",
    "What colour is the sky on a clear day?": "blue",
    "What colour do you get when you mix blue and yellow?": "green",
    "Which planet do we live on?": "Earth",
    "Which planet is the largest in our solar system?": "Jupiter",
    "Which star is closest to the Earth?": "Sun",
    "What is the chemical formula of water?": r"H2O|H₂O",
    "What is the chemical symbol of gold?": r"\bAu\b",
    "Which gas do plants take in from the air?": r"carbon dioxide|CO2",
    "At how many degrees Celsius does water boil?": "100",
    "What is frozen water called?": r"\bice\b",
    "Who wrote Romeo and Juliet?": "Shakespeare",
    "Who painted the Mona Lisa?": r"Leonardo|Vinci",
    "Who developed the theory of relativity?": "Einstein",
    "Who was the first president of the United States?": "Washington",
    "Who was the first man to walk on the Moon?": "Armstrong",
    "What language is spoken in Brazil?": "Portuguese",
    "On which continent is Kenya?": "Africa",
    "Which ocean lies between Europe and America?": "Atlantic",
    "What is the opposite of hot?": "cold",
    "What is the opposite of up?": "down",
    "What is the plural of mouse?": "mice",
    "What sound does a cat make?": r"meow|purr|mew",
    "What do bees make?": "honey",
    "What is the first letter of the English alphabet?": r"\bA\b",
    "What is the name of the force that pulls objects to the ground?": "gravity",
}  # fmt: skip


def is_right(question: str, answer: str) -> bool:
    """Whether the answer says what is known."""
    return re.search(QUESTIONS[question], answer, re.IGNORECASE) is not None
