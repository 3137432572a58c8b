# script version of churn_model.ipynb, for the weekly retrain
import pandas as pd
import joblib
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

DATA = "/home/maria/projects/churn/data/customers.csv"


def load():
    df = pd.read_csv(DATA)
    df["total_charges"] = pd.to_numeric(df["total_charges"], errors="coerce")
    return df


def prepare(df):
    df["support_calls"] = df["support_calls"].fillna(df["support_calls"].median())
    df["total_charges"] = df["total_charges"].fillna(df["total_charges"].median())
    df["charge_per_month"] = df["total_charges"] / (df["tenure"] + 1)
    df = pd.get_dummies(df, columns=["contract", "internet"])
    y = (df["churn"] == "Yes").astype(int)
    X = df.drop(columns=["customer_id", "churn"])
    return X, y


df = load()
X, y = prepare(df)

scaler = StandardScaler()
X_scaled = scaler.fit_transform(X)

X_train, X_test, y_train, y_test = train_test_split(X_scaled, y, test_size=0.2, random_state=42)

model = RandomForestClassifier(n_estimators=300, max_depth=6)
model.fit(X_train, y_train)

print("accuracy:", accuracy_score(y_test, model.predict(X_test)))

joblib.dump(model, "model.pkl")
joblib.dump(scaler, "scaler.pkl")
print("saved")
