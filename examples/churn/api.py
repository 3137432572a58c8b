import joblib
import pandas as pd
from flask import Flask, jsonify, request

app = Flask(__name__)

# order matters!! same as X.columns in the notebook
COLUMNS = [
    "tenure",
    "monthly_charges",
    "total_charges",
    "support_calls",
    "charge_per_month",
    "contract_monthly",
    "contract_one year",
    "contract_two years",
    "internet_dsl",
    "internet_fiber",
    "internet_none",
]


def prepare(payload):
    df = pd.DataFrame([payload])
    df["total_charges"] = pd.to_numeric(df["total_charges"], errors="coerce")
    df = df.fillna(0)
    df["charge_per_month"] = df["total_charges"] / (df["tenure"] + 1)
    df = pd.get_dummies(df, columns=["contract", "internet"])
    for column in COLUMNS:
        if column not in df:
            df[column] = 0
    return df[COLUMNS]


@app.route("/health")
def health():
    return "ok"


@app.route("/predict", methods=["POST"])
def predict():
    model = joblib.load("model.pkl")
    scaler = joblib.load("scaler.pkl")
    payload = request.get_json()
    try:
        X = scaler.transform(prepare(payload))
        probability = model.predict_proba(X)[0, 1]
    except:
        return jsonify({"churn": None})
    print("predicted", probability)
    return jsonify({"churn": bool(probability > 0.5), "probability": float(probability)})


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000, debug=True)
